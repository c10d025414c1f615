// A guard that holds off some signals only.
#pragma once

#include <sigsafe/config.hpp>

#include <sigsafe/backend/posix.hpp>
#include <sigsafe/detail/checked.hpp>
#include <sigsafe/detail/protocol.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/signal_set.hpp>

namespace sigsafe {

/// Blocks the signals of a set, and those only, on the calling thread while it lives. Always by the
/// kernel's mask: foreign handlers, default actions and handlers with .deferrable = false are held
/// off too. What the set names beyond signal_set::maskable() is left alone: a blocked fault would
/// kill the process. Subset guards and other guards, eager and lazy, are released in any order: a
/// signal stays blocked until every guard that holds it off is released.
/// Safety:   async-signal-safe, thread-safe; it belongs to the thread that began it; errno is kept
/// Pre:      none.   Post: every maskable signal of the set is blocked
/// Errors:   panics when 65,536 of one thread name a signal at once; a checked build panics when it
///           is released on another thread
/// Cost:     two system calls; 8 bytes
/// Source:   POSIX.1-2024 pthread_sigmask
class [[nodiscard]] subset_guard {
 public:
  [[nodiscard]] explicit subset_guard(signal_set signals,
                                      location where = location::current()) noexcept
      : signals_(signals & signal_set::maskable()), thread_(where) {
    static_cast<void>(detail::hold_subset(signals_));
  }
  subset_guard(const subset_guard&) = delete;
  subset_guard& operator=(const subset_guard&) = delete;

  ~subset_guard() {
    thread_.require_same();
    detail::release_subset(signals_);
  }

 private:
  signal_set signals_;
  [[no_unique_address]] detail::holding_thread<backend::posix> thread_;
};

}  // namespace sigsafe
