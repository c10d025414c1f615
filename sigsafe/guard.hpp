// The guard: interrupts are disabled on this thread (or CPU) while it lives.
#pragma once

#include <sigsafe/config.hpp>

#include <concepts>
#include <cstdint>
#include <utility>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/backend/native.hpp>
#include <sigsafe/detail/checked.hpp>
#include <sigsafe/detail/deadline.hpp>
#include <sigsafe/detail/wait_on.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/wake.hpp>

namespace sigsafe {

/// Disables interrupts on the calling thread while it lives; its destructor releases it. Guards
/// nest: only the release of the outermost one enables. It neither copies nor moves, so guards are
/// released in the reverse order of their construction; a function can still return one.
/// Safety:   async-signal-safe, thread-safe; it belongs to the thread that began it
/// Pre:      none.   Post: !B::enabled()
/// Errors:   none; a checked build panics when it is released on another thread
/// Cost:     that of B; sizeof is that of B's state, at least 1
/// Source:   POSIX.1-2024 pthread_sigmask
template <interrupt_backend B = backend::native>
class [[nodiscard]] basic_guard {
 public:
  using backend_type = B;

  [[nodiscard]] explicit basic_guard(location where = location::current()) noexcept
      : saved_(B::disable()), thread_(where) {}
  basic_guard(const basic_guard&) = delete;
  basic_guard& operator=(const basic_guard&) = delete;

  ~basic_guard() {
    thread_.require_same();
    B::restore(saved_);
  }

  /// Enables interrupts and sleeps, atomically, until a handler has run; then they are disabled
  /// again. `while (!flag) guard.wait();` misses no signal, whichever thread runs its handler:
  /// hosted it comes back at once when a handler of sigsafe has run on any thread since this
  /// thread's last wait. It may wake spuriously; handlers with .deferrable = false do not wake it.
  /// Safety:   not async-signal-safe: a handler that waits would never wake; thread-safe. Hosted, a
  ///           cancellation point: a thread that is cancelled in it unwinds
  /// Pre:      this guard is the only hold of the thread (or CPU), and no handler runs
  /// Post:     !B::enabled()
  /// Errors:   panics when the precondition does not hold; std::system_error when the process has
  ///           no memory for one more sleeping thread, or other code has a handler for
  ///           wake_signal()
  /// Cost:     hosted three system calls with a lazy guard; two with an eager one, or three when
  ///           standard signals have handlers. Of a signal that is pending, one more, and no frame
  /// Source:   POSIX.1-2024 sigsuspend, ppoll; freestanding that of the backend
  void wait(location where = location::current()) {
    detail::wait_on<B>(saved_, where);
    thread_.woken();
  }

  /// Waits until a predicate holds, which is asked with interrupts disabled.
  ///
  ///     off.wait([&] { return stop || reload; });
  ///
  template <std::predicate Predicate>
  void wait(Predicate holds, location where = location::current()) {
    while (!holds()) wait(where);
  }

  /// As wait, for at most a duration (a std::chrono::duration; a negative one counts as zero).
  /// Returns true when a handler ran, false when the time was up. A loop around it waits as long
  /// again after each handler: give it the predicate, or use wait_until. A sleep does not count the
  /// time for which the process is stopped (SIGSTOP): it, wait_until, poll and poll_until are late
  /// by that, unless SIGCONT has a handler. Hosted backends only.
  template <class Duration>
  bool wait_for(Duration time, location where = location::current())
    requires timed_backend<B>
  {
    const bool handled = B::wait_for(saved_, time, where);
    thread_.woken();
    return handled;
  }

  /// As wait, until a std::chrono::time_point of any clock. One that has passed lets the handlers
  /// of what is pending run. Behind a stop of the process it is late: see wait_for.
  template <detail::time_point_like Time>
  bool wait_until(Time time, location where = location::current())
    requires timed_backend<B>
  {
    // The clock may be set meanwhile.
    for (std::int64_t left = detail::nanoseconds_until(time);;
         left = detail::nanoseconds_until(time)) {
      if (wait_for(as_duration(left), where)) return true;
      if (left == 0) return false;
    }
  }

  /// Waits until a predicate holds, for at most a duration in all, or until a time point. Returns
  /// what the predicate says in the end. However many handlers run, it ends in time.
  ///
  ///     if (!off.wait_for(300ms, [&] { return answered; })) …      // under any tick
  ///
  template <detail::duration_like Duration, std::predicate Predicate>
  bool wait_for(Duration time, Predicate holds, location where = location::current())
    requires timed_backend<B>
  {
    return wait_while_left(left_of(time), holds, where);
  }
  template <detail::time_point_like Time, std::predicate Predicate>
  bool wait_until(Time time, Predicate holds, location where = location::current())
    requires timed_backend<B>
  {
    return wait_while_left([&] { return detail::nanoseconds_until(time); }, holds, where);
  }

  /// As wait, and also until one of fds (a range of pollfd) has events. Returns why, and how many
  /// have. A descriptor that is always ready does not starve the handlers. Hosted backends only.
  /// Errors:   std::system_error when ppoll refuses its arguments. Handlers of what was pending may
  ///           have run then; the next wait or poll tells of them
  template <class Fds>
  poll_result poll(Fds&& fds, location where = location::current())
    requires timed_backend<B>
  {
    const poll_result woken = B::poll(saved_, fds, where);
    thread_.woken();
    return woken;
  }

  /// As poll, for at most a duration.
  template <class Fds, class Duration>
    requires(!std::predicate<Duration>)
  poll_result poll(Fds&& fds, Duration timeout, location where = location::current())
    requires timed_backend<B>
  {
    const poll_result woken = B::poll(saved_, fds, timeout, where);
    thread_.woken();
    return woken;
  }

  /// As poll, until a time point.
  template <class Fds, detail::time_point_like Time>
  poll_result poll_until(Fds&& fds, Time time, location where = location::current())
    requires timed_backend<B>
  {
    for (std::int64_t left = detail::nanoseconds_until(time);;
         left = detail::nanoseconds_until(time)) {
      const poll_result woken = poll(fds, as_duration(left), where);
      if (woken != wake::timeout || left == 0) return woken;
    }
  }

  /// As poll, until a predicate holds: then the reason is wake::handler, and the descriptors were
  /// not looked at if it held at once. Handlers that do not make it hold do not end it.
  template <class Fds, std::predicate Predicate>
  poll_result poll(Fds&& fds, Predicate holds, location where = location::current())
    requires timed_backend<B>
  {
    while (!holds())
      if (const poll_result woken = poll(fds, where); woken != wake::handler) return woken;
    return wake::handler;
  }
  template <class Fds, detail::duration_like Duration, std::predicate Predicate>
  poll_result poll(Fds&& fds, Duration timeout, Predicate holds,
                   location where = location::current())
    requires timed_backend<B>
  {
    return poll_while_left(fds, left_of(timeout), holds, where);
  }
  template <class Fds, detail::time_point_like Time, std::predicate Predicate>
  poll_result poll_until(Fds&& fds, Time time, Predicate holds,
                         location where = location::current())
    requires timed_backend<B>
  {
    return poll_while_left(fds, [&] { return detail::nanoseconds_until(time); }, holds, where);
  }

  /// Calls a function that blocks, with interrupts enabled while it does. Returns false, and does
  /// not call it, when a handler has run since this thread's last wait: look at what it has left,
  /// and call again. What the function returns it keeps itself; errno stays as it leaves it.
  ///
  ///     int ready = -1;
  ///     off.open([&](const sigset_t* mask) {                 // no window: the kernel opens
  ///       ready = epoll_pwait2(loop, events, 16, nullptr, mask);
  ///     });
  ///
  /// A function that takes a mask passes it to the call that blocks (ppoll, pselect, epoll_pwait2),
  /// and runs with everything disabled otherwise: the wait of another guard in it would let nothing
  /// in. One without a parameter runs with interrupts enabled: a handler that runs before its call
  /// has blocked does not end that call, and one with .restart = true on this thread does not end
  /// what the system restarts, such as read. It is a cancellation point when it does not call it.
  /// Safety, Pre, Post: as wait
  /// Errors:   as wait, and what the function throws
  /// Cost:     hosted two to four system calls beside the function's
  template <class F>
  bool open(F&& blocking, location where = location::current())
    requires opening_backend<B>
  {
    const bool called = B::open(saved_, blocking, where);
    thread_.woken();
    return called;
  }

 private:
  static auto as_duration(std::int64_t nanoseconds) noexcept {
    return static_cast<typename B::duration>(nanoseconds);
  }

  /// How many nanoseconds are left of a time that begins now.
  template <class Duration>
  static auto left_of(const Duration& time) noexcept {
    return [end = detail::saturating_sum(B::now(), detail::to_nanoseconds(time))] {
      return detail::saturating_difference(end, B::now());
    };
  }

  // What is pending has its turn also when no time is left.
  template <class Left, class Predicate>
  bool wait_while_left(Left left, Predicate& holds, location where) {
    while (!holds()) {
      const std::int64_t nanoseconds = left();
      wait_for(as_duration(nanoseconds), where);
      if (nanoseconds <= 0) return holds();
    }
    return true;
  }

  template <class Fds, class Left, class Predicate>
  poll_result poll_while_left(Fds& fds, Left left, Predicate& holds, location where) {
    while (!holds()) {
      const std::int64_t nanoseconds = left();
      const poll_result woken = poll(fds, as_duration(nanoseconds), where);
      if (woken == wake::ready) return woken;
      if (nanoseconds <= 0) return holds() ? wake::handler : wake::timeout;
    }
    return wake::handler;
  }

  // mutable, or g++ 12 keeps the saved state of a `const` guard in memory, which doubles its cost.
  [[no_unique_address]] mutable typename B::saved_state saved_;
  [[no_unique_address]] detail::holding_thread<B> thread_;
};

using guard = basic_guard<>;

/// Disables interrupts until the returned guard is released: `auto off = sigsafe::disable();`
/// Safety, Post, Errors, Cost: as basic_guard
template <interrupt_backend B = backend::native>
[[nodiscard]] basic_guard<B> disable(location where = location::current()) noexcept {
  return basic_guard<B>{where};
}

/// Calls function with interrupts disabled and returns what it returns. They come back also when it
/// throws.
/// Safety:   as safe as function; thread-safe
/// Cost:     as basic_guard
template <interrupt_backend B = backend::native, class F>
decltype(auto) without(F&& function) noexcept(noexcept(std::forward<F>(function)())) {
  const basic_guard<B> off;
  return std::forward<F>(function)();
}

}  // namespace sigsafe

#if SIGSAFE_HOSTED
#include <sigsafe/subset_guard.hpp>  // IWYU pragma: export
#endif
