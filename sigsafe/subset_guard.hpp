// A guard that holds off some signals only.
#pragma once

#include <sigsafe/backend/posix.hpp>
#include <sigsafe/detail/checked.hpp>
#include <sigsafe/detail/export.hpp>
#include <sigsafe/signal_set.hpp>

namespace sigsafe {

namespace detail {

/// Blocks the signals; returns what the end has to unblock.
SIGSAFE_API signal_set begin_subset(signal_set signals) noexcept;
SIGSAFE_API void end_subset(signal_set mine) noexcept;

}  // namespace detail

/// Blocks the signals of a set, and those only, on the calling thread while it lives. Always by the
/// kernel's mask: foreign handlers and default actions are held off too. What the set names beyond
/// signal_set::maskable() is left alone: a blocked fault would kill the process.
/// It may stand inside and outside of other guards, eager and lazy; a signal that it blocks stays
/// blocked until it ends, even if a guard outside of it ends first.
/// Safety:   async-signal-safe, thread-safe; it belongs to the thread that began it; errno is kept
/// Pre:      none.   Post: every maskable signal of the set is blocked
/// Errors:   none; a checked build panics when it ends on another thread
/// Cost:     two system calls; 8 bytes
/// Source:   POSIX.1-2024 pthread_sigmask
class [[nodiscard]] subset_guard {
 public:
  [[nodiscard]] explicit subset_guard(signal_set signals,
                                      location where = location::current()) noexcept
      : mine_(detail::begin_subset(signals)), thread_(where) {}
  subset_guard(const subset_guard&) = delete;
  subset_guard& operator=(const subset_guard&) = delete;

  ~subset_guard() {
    thread_.require_same();
    detail::end_subset(mine_);
  }

 private:
  signal_set mine_;  // what has to be unblocked at the end
  [[no_unique_address]] detail::owner_thread<backend::posix> thread_;
};

}  // namespace sigsafe
