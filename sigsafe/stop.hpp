// Stopping gracefully, and at once when that does not come to an end.
#pragma once

#include <sigsafe/config.hpp>

#include <cstdint>

#include <sigsafe/detail/deadline.hpp>
#include <sigsafe/detail/settable.hpp>
#include <sigsafe/handler_options.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/signal_set.hpp>

namespace sigsafe {

namespace detail {

/// Any std::chrono::duration; or none, which never ends.
class grace {
 public:
  constexpr grace() noexcept = default;
  template <duration_like Duration>
  constexpr grace(const Duration& time) noexcept  // NOLINT(*-explicit-*): it is one
      : nanoseconds_(to_nanoseconds(time) > 0 ? to_nanoseconds(time) : 0) {}

  [[nodiscard]] constexpr bool is_bounded() const noexcept { return nanoseconds_ >= 0; }
  [[nodiscard]] constexpr std::int64_t nanoseconds() const noexcept { return nanoseconds_; }

 private:
  std::int64_t nanoseconds_ = -1;
};

/// What a stop_signal, its handler and its thread share; the rest is in src/stop_signal.cpp.
struct stop_state {
  int first = 0;  // the first signal that came
};

}  // namespace detail

/// How a stop_signal works. Written by name, in alphabetical order.
struct stop_options {
  /// What signals meet when it has been destroyed, as of handler_options.
  sigsafe::at_end at_end = sigsafe::at_end::restore;
  /// When the program is still there so long after the first signal, that takes its default action.
  /// A duration of std::chrono. The time that the program is stopped (SIGTSTP) counts.
  detail::grace deadline{};
  /// Is set by the first signal, in the handler: a sigsafe::event, or what else has a set() that is
  /// noexcept and async-signal-safe. It must outlive the stop_signal: declare it before.
  detail::settable_ref event{};
  /// Signals that are ignored when it is made stay ignored, as of handler_options, but true here:
  /// shells start what runs in the background with SIGINT and SIGQUIT ignored, nohup with SIGHUP,
  /// and a Ctrl-C is not for those. When it is false they ask to stop, too: for a daemon that must
  /// always be stoppable by SIGTERM, whatever its parent has left.
  bool respect_ignored = true;
  /// As of handler_options: system calls go on, and only a guard's wait and poll come back.
  bool restart = false;
};

/// The first signal asks the program to stop, the second one takes its default action at once.
///
///     const sigsafe::stop_signal stop{{SIGINT, SIGTERM}, {.deadline = 10s}};
///     sigsafe::guard guard;
///     while (!stop.requested()) guard.poll(fds);       // or wait
///     …                                                // what there is to finish
///
/// First signal: requested() holds, every `wait` and `poll` in a guard returns, on all threads, and
/// the event is set. Second one, of the same number or another: the process dies by it, as its
/// parent sees. So it does also when it hangs in an eager or lazy guard, in a lock or in another
/// handler: a thread of the library, which sleeps otherwise, takes these signals where no other
/// thread does, and those that arrive in a lazy guard are passed on to it. It does the same when
/// the deadline is over, by the first signal. Where the default action does not kill (the first
/// process of a PID namespace; SIGCHLD, SIGURG, SIGWINCH) the process exits with 128 + the number.
/// Signals that are ignored when it is made, as by nohup, stay ignored, unless
/// `.respect_ignored = false`. Those that the program blocks are taken by the thread. Other
/// handlers of sigsafe for these signals run as ever; a foreign one does not, and comes back at the
/// end. It is about signals of the process (kill, a terminal, sigqueue of another process). One
/// that is sent to a thread (pthread_kill), or by this process with a value, waits as long as that
/// thread holds it off. A handler for one of these signals that is newer than the stop_signal comes
/// before it, and when it hangs nothing follows. Of a real-time signal that finds the queue full
/// (RLIMIT_SIGPENDING) in a lazy guard it is the third one that kills.
/// Safety:   construction and destruction are thread-safe and not async-signal-safe: they start a
///           thread and wait for it
/// Pre:      made after a program that becomes a daemon has forked, see Fork
/// Post:     destruction: the thread has ended, and the dispositions are as before, or as `.at_end`
///           says. A signal that was on its way meets them. A destructor that exit runs does not
///           wait. It is no cancellation point
/// Errors:   std::system_error: a fault, SIGABRT, a stop or SIGCONT, what cannot be handled; a
///           signal that another stop_signal has; no thread can be made (RLIMIT_NPROC). Nothing has
///           changed then
/// Fork:     a child has the handler and what was requested, and not the thread: there a second
///           signal kills unless it is held off, and no deadline is kept. It may make its own
/// Cost:     a thread with a stack of 256 KiB; a signal that a lazy hold passes on two atomic
///           operations and a system call more
/// Source:   POSIX.1-2024 sigaction, pthread_create
class [[nodiscard]] stop_signal {
 public:
  [[nodiscard]] explicit stop_signal(signal_set signals, stop_options options = {},
                                     location where = location::current())
      : signals_(signals), state_(begin(signals, options, where)) {}
  stop_signal(const stop_signal&) = delete;
  stop_signal& operator=(const stop_signal&) = delete;
  ~stop_signal() { end(state_); }

  /// Whether the program is to stop.
  /// Safety:   async-signal-safe, thread-safe
  /// Cost:     a load
  [[nodiscard]] bool requested() const noexcept { return number() != 0; }
  [[nodiscard]] explicit operator bool() const noexcept { return requested(); }

  /// The signal that has asked for it; 0 when none has.
  /// Safety:   async-signal-safe, thread-safe
  [[nodiscard]] int number() const noexcept {
    return __atomic_load_n(&state_->first, __ATOMIC_ACQUIRE);  // pairs with the handler's exchange
  }

  [[nodiscard]] signal_set signals() const noexcept { return signals_; }

 private:
  SIGSAFE_API static detail::stop_state* begin(signal_set signals, const stop_options& options,
                                               location where);
  SIGSAFE_API static void end(detail::stop_state* state) noexcept;

  signal_set signals_;
  detail::stop_state* state_;
};

}  // namespace sigsafe
