// Timers whose function runs as a signal handler.
#pragma once

#include <sigsafe/config.hpp>

#include <cstdint>
#include <utility>

#include <sigsafe/detail/deadline.hpp>
#include <sigsafe/detail/settable.hpp>
#include <sigsafe/detail/timer_base.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/timer_options.hpp>

namespace sigsafe {

namespace detail {

template <class F>
concept takes_elapsed = requires(F& function, std::uint64_t elapsed) { function(elapsed); };
template <class F>
concept takes_nothing = requires(F& function) { function(); };

template <class F>
consteval bool is_noexcept_timer_function() {
  if constexpr (takes_elapsed<F>)
    return noexcept(std::declval<F&>()(std::uint64_t{}));
  else if constexpr (takes_nothing<F>)
    return noexcept(std::declval<F&>()());
  else
    return true;  // refused for what it takes
}

/// The function of a timer: the base that is there before the timer, and after it.
template <class F>
struct timer_function {
  static_assert(takes_elapsed<F> || takes_nothing<F>,
                "sigsafe: the function of a timer must be callable with (std::uint64_t elapsed) or "
                "without arguments");
  static_assert(is_noexcept_timer_function<F>(),
                "sigsafe: the function of a timer must be noexcept, because an exception cannot "
                "leave a signal handler: write [...]() noexcept { ... }");

  void call(std::uint64_t elapsed) noexcept {
    if constexpr (takes_elapsed<F>)
      called(elapsed);
    else
      called();
  }

  F called;
};

}  // namespace detail

/// The function of a timer that sets an event, for where its type has to be written:
///
///     sigsafe::event ticked_;
///     sigsafe::interval_timer<sigsafe::setter<sigsafe::event>> tick_{1s, ticked_};   // members
///
/// Safety:   async-signal-safe, as the event's set
/// Pre:      the event outlives it
template <detail::settable Event>
using setter = detail::setter<Event>;

/// Calls a function at every interval, as a signal handler: it fires while the object lives and has
/// been started, and never after it was destroyed.
///
///     sigsafe::interval_timer tick{1s, [&](std::uint64_t elapsed) noexcept { … }};
///     sigsafe::interval_timer wake{100ms, event};      // or what else has a noexcept set()
///     sigsafe::interval_timer<void (*)() noexcept> beat;          // as a member of a class
///
/// The first call is an interval after the start, and the others keep its beat however late they
/// come. `elapsed` is how many intervals are over since the call before: 1, or more when guards,
/// locks or the load have held the signal off. Nothing is lost or counted twice, so their sum is
/// the number of intervals since the start. Timers may share a signal; each one's function is
/// called for its own. A thread in a lazy guard defers it like any other signal. Without an
/// interval it is made and does not run. A duration is any of std::chrono; shorter than a few
/// microseconds, a timer leaves the program no time for anything else.
/// Safety:   construction and destruction are thread-safe and not async-signal-safe: the destructor
///           waits for threads that are inside the function. The function runs in a signal handler
///           and may be called on two threads at once, unless `.thread` says where
/// Pre:      destruction: not inside the function, else it panics
/// Post:     destruction: no thread is inside the function, nor ever will be; a signal that is
///           pending is dropped. With the last timer or handler of its signal that one is ignored
///           (at_end::ignore), for programs that are executed afterwards too
/// Errors:   std::system_error: an interval that is not positive; a signal that cannot be handled,
///           or, without `.signal`, has a handler of other code; a thread that is not there; no
///           room for a timer (RLIMIT_SIGPENDING, which counts for the user). Nothing is left
///           behind then
/// Fork:     a child has no timers. There it does not run, until start makes a timer anew
/// Cost:     to make one three system calls, as to start and to stop one; a call is that of a
///           handler, and with several timers of one signal each looks whether it is meant
/// Source:   POSIX.1-2024 timer_create, timer_settime
template <class F>
class [[nodiscard]] interval_timer : private detail::timer_function<F>, detail::timer_base {
 public:
  template <detail::duration_like Duration>
  [[nodiscard]] interval_timer(const Duration& interval, F function, timer_options options = {},
                               location where = location::current())
      : interval_timer(positive(interval), function, options, where) {}
  [[nodiscard]] explicit interval_timer(F function, timer_options options = {},
                                        location where = location::current())
      : interval_timer(std::int64_t{0}, function, options, where) {}

  /// Begins again: the first call is an interval from now. What was on its way is dropped.
  /// Safety:   async-signal-safe but in a forked child, thread-safe; also in the function. Like all
  ///           of a timer's functions not in a handler of a fault, of SIGABRT, or with
  ///           .deferrable = false: it may have interrupted one
  /// Errors:   std::system_error when the interval is not positive; in a forked child, as the
  ///           constructor
  template <detail::duration_like Duration>
  void start(const Duration& interval) {
    start(interval, interval);
  }
  /// The same, but the first call comes when `first` is over.
  template <detail::duration_like Duration, detail::duration_like First>
  void start(const Duration& interval, const First& first) {
    start_in(detail::to_nanoseconds(first), positive(interval));
  }

  /// No more calls, but for those that are being made on other threads now.
  /// Safety:   async-signal-safe, thread-safe
  void stop() noexcept { stop_now(); }

  /// How long it is until the next call, rounded up; 0 when it does not run.
  ///
  ///     tick.remaining<std::chrono::milliseconds>()
  ///
  /// Safety:   async-signal-safe, thread-safe
  template <detail::duration_like Duration>
  [[nodiscard]] Duration remaining() const noexcept {
    return detail::from_nanoseconds<Duration>(nanoseconds_left());
  }

  /// Safety:   async-signal-safe, thread-safe
  [[nodiscard]] bool is_running() const noexcept { return runs(); }

 private:
  interval_timer(std::int64_t interval, F& function, const timer_options& options, location where)
      : detail::timer_function<F>{std::move(function)},
        detail::timer_base(kind::repeated, &forward, options, where) {
    if (interval != 0) start_in(interval, interval);
  }

  template <class Duration>
  static std::int64_t positive(const Duration& interval) {
    const std::int64_t nanoseconds = detail::to_nanoseconds(interval);
    if (nanoseconds <= 0) detail::refuse_interval();
    return nanoseconds;
  }

  static void forward(detail::timer_base& base, std::uint64_t elapsed) noexcept {
    static_cast<interval_timer&>(base).call(elapsed);
  }
};

template <detail::duration_like Duration, detail::settable Event>
interval_timer(const Duration&, Event&, timer_options = {}, location = {})
    -> interval_timer<detail::setter<Event>>;
template <detail::settable Event>
interval_timer(Event&, timer_options = {}, location = {}) -> interval_timer<detail::setter<Event>>;

/// Calls a function once, as a signal handler, when a time is up.
///
///     sigsafe::deadline_timer watchdog{[]() noexcept { … }};
///     watchdog.start(5s);                                   // again: 5 s from then
///     sigsafe::deadline_timer at_noon{on_noon, {.clock = sigsafe::timer_clock::realtime}};
///     at_noon.start_until(noon);
///
/// Everything else is as with interval_timer. A time that is over already is up at once.
template <class F>
class [[nodiscard]] deadline_timer : private detail::timer_function<F>, detail::timer_base {
 public:
  template <detail::duration_like Duration>
  [[nodiscard]] deadline_timer(const Duration& time, F function, timer_options options = {},
                               location where = location::current())
      : deadline_timer(std::move(function), options, where) {
    start(time);
  }
  [[nodiscard]] explicit deadline_timer(F function, timer_options options = {},
                                        location where = location::current())
      : detail::timer_function<F>{std::move(function)},
        detail::timer_base(kind::once, &forward, options, where) {}

  /// Begins again, from now. What was on its way is dropped.
  /// Safety:   async-signal-safe but in a forked child, thread-safe; also in the function. Like all
  ///           of a timer's functions not in a handler of a fault, of SIGABRT, or with
  ///           .deferrable = false: it may have interrupted one
  /// Errors:   std::system_error in a forked child, as the constructor
  template <detail::duration_like Duration>
  void start(const Duration& time) {
    start_in(detail::to_nanoseconds(time), 0);
  }

  /// The same at a std::chrono::time_point, of any clock: what that clock shows now is compared.
  /// With timer_clock::realtime it is a time of day, of a clock that counts from 1970 such as
  /// system_clock, and keeps to it when the clock is set.
  template <detail::time_point_like Time>
  void start_until(const Time& time) {
    if (clock() == CLOCK_REALTIME)
      start_at(detail::to_nanoseconds(time.time_since_epoch()), 0);
    else
      start_in(detail::nanoseconds_until(time), 0);
  }

  /// It is not called, but where it is being called on another thread now.
  /// Safety:   async-signal-safe, thread-safe
  void stop() noexcept { stop_now(); }

  /// How long it is until the call, rounded up; 0 when it does not run.
  /// Safety:   async-signal-safe, thread-safe
  template <detail::duration_like Duration>
  [[nodiscard]] Duration remaining() const noexcept {
    return detail::from_nanoseconds<Duration>(nanoseconds_left());
  }

  /// Whether the call is still to come.
  /// Safety:   async-signal-safe, thread-safe
  [[nodiscard]] bool is_running() const noexcept { return runs(); }

 private:
  static void forward(detail::timer_base& base, std::uint64_t) noexcept {
    static_cast<deadline_timer&>(base).call(1);
  }
};

template <detail::duration_like Duration, detail::settable Event>
deadline_timer(const Duration&, Event&, timer_options = {}, location = {})
    -> deadline_timer<detail::setter<Event>>;
template <detail::settable Event>
deadline_timer(Event&, timer_options = {}, location = {}) -> deadline_timer<detail::setter<Event>>;

}  // namespace sigsafe
