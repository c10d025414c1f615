// What a checked build knows about a watched lock. src/watched.cpp says what it does with it.
#pragma once

#include <sigsafe/config.hpp>

#include <cstdint>

#include <sigsafe/location.hpp>

namespace sigsafe::detail {

/// One way in which a lock is used, with the signals for which that matters. No signals: nothing.
struct lock_use {
  std::uint64_t signals;
  location where;
  location through;  // where who holds the lock of a handler waits for this one; else a null file
};

/// Plain words that do not depend on SIGSAFE_CHECKED: objects of both kinds share them.
struct lock_watch {
  static constexpr int most = 3;  // then the last one stands for more signals than its own
  // By the first index: exclusively, shared.
  lock_use handlers[2][most];  // handlers of these signals wait for it, or for who waits for it
  lock_use holders[2][most];   // it was held with these signals enabled
};

/// Somebody is about to wait for the lock.
SIGSAFE_API void watch_wait(lock_watch& lock, location where, bool shared) noexcept;
/// The calling thread has it.
SIGSAFE_API void watch_taken(lock_watch& lock, location where, bool shared) noexcept;
/// The calling thread is about to release it.
SIGSAFE_API void watch_release(lock_watch& lock, bool shared) noexcept;
/// The lock is destroyed.
SIGSAFE_API void watch_end(lock_watch& lock) noexcept;

}  // namespace sigsafe::detail
