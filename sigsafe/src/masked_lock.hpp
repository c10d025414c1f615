// A lock that a handler of its own thread never waits for.
#pragma once

#include <sigsafe/config.hpp>

#include <sigsafe/backend/posix.hpp>
#include <sigsafe/raw_lock.hpp>

namespace sigsafe::detail {

/// Holds a lock, and signals off by the mask, because foreign handlers take these locks, too. No
/// mutex: what one looks like depends on SIGSAFE_CHECKED, and objects of both kinds share the lock.
class masked_lock {
 public:
  explicit masked_lock(futex_lock& lock) noexcept : lock_(lock) {
    backend::posix::enter();
    lock_.lock();
  }
  masked_lock(const masked_lock&) = delete;
  masked_lock& operator=(const masked_lock&) = delete;
  ~masked_lock() {
    lock_.unlock();
    backend::posix::leave();
  }

 private:
  futex_lock& lock_;
};

}  // namespace sigsafe::detail
