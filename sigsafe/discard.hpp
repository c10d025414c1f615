// What a library does about SIGPIPE without changing the program that it is a part of.
#pragma once

#include <sigsafe/config.hpp>

#include <signal.h>

#include <sigsafe/backend/posix.hpp>
#include <sigsafe/detail/checked.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/signal_set.hpp>

namespace sigsafe {

namespace detail {

/// Blocks the signals, unless an earlier guard of this thread has done so.
SIGSAFE_API void begin_discarding(signal_set signals, location where) noexcept;

/// Drops what has arisen since, and unblocks, unless another guard of this thread goes on.
SIGSAFE_API void end_discarding(signal_set signals) noexcept;

}  // namespace detail

/// Drops the SIGPIPE, or the SIGXFSZ, that a call inside causes on the calling thread, so that the
/// call fails with EPIPE or EFBIG and nothing else happens. For libraries: the program's
/// disposition is left alone.
///
///     sigsafe::discard_guard off{{SIGPIPE}};
///     if (write(socket, data, size) < 0 && errno == EPIPE) …
///
/// The signals are blocked while it lives, by the kernel's mask. When it is released, one that this
/// process has sent to this thread or to itself meanwhile is dropped: the kernel names the process
/// as the sender of its own, so that a SIGPIPE of write and one of raise or kill(getpid()) cannot
/// be told apart. One with a value (sigqueue) is not dropped. One that came from another process
/// goes to this one, which then does what its disposition says. When a signal was pending already,
/// for this thread or the process, before the first of the thread's guards began, it stays: the
/// kernel keeps one of each, and nobody can say which one that is. Guards for the same signal are
/// one region, from the first to the last release, in any order; with other guards, eager, lazy and
/// subset ones, they are released in any order too. So is a handler of sigsafe for the signal not
/// called for what is dropped.
/// Safety:   async-signal-safe, thread-safe; it belongs to the thread that began it; errno is kept
/// Pre:      the signals are SIGPIPE or SIGXFSZ. Post: they are blocked
/// Errors:   panics for other signals, and for none; a checked build panics when it is released on
///           another thread
/// Cost:     three system calls for one signal; one more for the second one, and for a signal that
///           is dropped; none for a guard inside another one of the same signals; 8 bytes
/// Source:   POSIX.1-2024 write, sigtimedwait, pthread_sigmask
class [[nodiscard]] discard_guard {
 public:
  [[nodiscard]] explicit discard_guard(signal_set signals,
                                       location where = location::current()) noexcept
      : signals_(signals), thread_(where) {
    detail::begin_discarding(signals_, where);
  }
  discard_guard(const discard_guard&) = delete;
  discard_guard& operator=(const discard_guard&) = delete;

  ~discard_guard() {
    thread_.require_same();
    detail::end_discarding(signals_);
  }

 private:
  signal_set signals_;
  [[no_unique_address]] detail::holding_thread<backend::posix> thread_;
};

}  // namespace sigsafe
