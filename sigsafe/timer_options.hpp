// How a timer measures time, and where its signal goes.
#pragma once

#include <sigsafe/config.hpp>

#include <sigsafe/thread_id.hpp>

namespace sigsafe {

/// What a timer measures.
enum class timer_clock {
  boottime,     ///< time since the start of the system, also while it was suspended
  monotonic,    ///< the same without that
  process_cpu,  ///< what the process has computed; looked at with each tick of the kernel only
  realtime,     ///< the time of day, which may be set: for deadline_timer::start_until
  thread_cpu,   ///< what the thread that makes the timer has computed
};

/// How a timer measures time, and where its signal goes. Written by name, in alphabetical order.
struct timer_options {
  timer_clock clock = timer_clock::monotonic;
  /// System calls that the timer interrupts go on instead of failing with EINTR, if all handlers of
  /// the signal say so.
  bool restart = true;
  /// The signal, not a fault; 0 stands for timer_signal(). A real-time one, unless the program has
  /// a reason: of a standard signal that is queued again (see docs/explanation/lazy-masking.md) the
  /// kernel keeps one, and another timer may have to wait for its next interval.
  int signal = 0;
  /// The function runs on this thread. When it has ended, nothing comes any more. Otherwise it runs
  /// on any thread that does not hold the signal off.
  ///
  ///     .thread = sigsafe::thread_id::current()
  sigsafe::thread_id thread{};
};

/// The signal of timers that do not name another: SIGRTMAX - 4.
/// Safety:   async-signal-safe, thread-safe
[[nodiscard]] SIGSAFE_API int timer_signal() noexcept;

}  // namespace sigsafe
