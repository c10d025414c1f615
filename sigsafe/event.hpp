// Events: what a handler sets and a thread, or an event loop, waits for.
#pragma once

#include <sigsafe/config.hpp>

#include <cstdint>

#include <sigsafe/detail/deadline.hpp>
#include <sigsafe/detail/event_state.hpp>
#include <sigsafe/detail/futex.hpp>
#include <sigsafe/location.hpp>

namespace sigsafe {

/// What makes an event "not set" again.
enum class event_reset {
  automatic,  ///< the wait that sees it: one set lets one thread go on
  manual,     ///< reset() only: one set lets everybody go on
};

/// Set by handlers, on whichever thread they run, and by threads; waited for by threads, or by an
/// event loop through a descriptor. Many sets before one wait are one wake-up, and none is lost:
/// what was written before set() is seen after the wait that it ends.
///
///     constinit sigsafe::event hung_up;
///     sigsafe::handler on_hup{SIGHUP, []() noexcept { hung_up.set(); }};
///     hung_up.wait();                               // or, in a loop of your own:
///     epoll_event wanted{.events = EPOLLIN};
///     epoll_ctl(loop, EPOLL_CTL_ADD, hung_up.fd(), &wanted);   // readable: hung_up.reset()
///
/// Destroy it when no handler and no other thread can set it any more; while it has no descriptor,
/// as soon as a wait has returned that its last set has ended.
/// Safety:   set, is_set, reset and try_wait are async-signal-safe; all of it but construction and
///           destruction is thread-safe; errno is kept
/// Errors:   panics when it is destroyed while a thread waits, unless exit(3) destroys it
/// Cost:     24 bytes; set is one atomic operation, and a system call only when a thread sleeps or
///           a descriptor is out, and it was not set already
class event {
 public:
  constexpr explicit event(event_reset how = event_reset::automatic) noexcept
      : state_(how == event_reset::manual) {}
  event(const event&) = delete;
  event& operator=(const event&) = delete;
  ~event() { detail::destroy_event(state_); }

  /// Safety:   async-signal-safe, thread-safe
  void set() noexcept { state_.add(1); }

  /// Whether it is set at this moment.   Safety: async-signal-safe, thread-safe
  [[nodiscard]] bool is_set() const noexcept {
    return detail::event_word::value(state_.load()) != 0;
  }

  /// Makes it "not set", and its descriptor not readable. Returns whether it was set. Reset it
  /// *before* you look at what the handlers have left for you.
  /// Safety:   async-signal-safe, thread-safe
  /// Cost:     one system call when it has a descriptor, else none
  bool reset() noexcept { return detail::take_event(state_) != 0; }

  /// As a wait that does not sleep: returns whether it was set.
  /// Safety:   async-signal-safe, thread-safe
  [[nodiscard]] bool try_wait() noexcept { return state_.keeps ? is_set() : reset(); }

  /// Sleeps until it is set. Handlers of this thread run meanwhile, and may set it. Not a
  /// cancellation point.
  /// Safety:   not async-signal-safe: a handler that waits would hold up what it waits for;
  ///           thread-safe
  /// Pre:      this thread holds nothing (no guard, lock or borrow), and no handler runs on it;
  ///           else it panics
  /// Errors:   std::system_error when there is no memory for a page, in the first wait of a process
  /// Cost:     none when it is set, else one system call for each sleep
  void wait(location where = location::current()) {
    detail::wait_for_event(state_, detail::longest_time, where);
  }

  /// As wait, for at most a duration (a std::chrono::duration; a negative one counts as zero).
  /// Returns whether it was set.
  template <detail::duration_like Duration>
  [[nodiscard]] bool wait_for(const Duration& time, location where = location::current()) {
    const std::int64_t end =
        detail::saturating_sum(detail::monotonic_now(), detail::to_nanoseconds(time));
    return detail::wait_for_event(state_, end, where) != 0;
  }

  /// As wait, until a std::chrono::time_point of any clock. Returns whether it was set.
  template <detail::time_point_like Time>
  [[nodiscard]] bool wait_until(const Time& time, location where = location::current()) {
    return detail::wait_for_event_until(state_, time, where) != 0;
  }

  /// A descriptor that is readable while the event is set: for epoll, poll and every event loop,
  /// level-triggered or edge-triggered. It may become readable once more just after a reset; then
  /// reset() returns false. It is made by the first call, belongs to the event, and is closed with
  /// it: neither close nor read nor write it. A forked child gets one of its own from its first
  /// call; its sets never wake the parent.
  /// Safety:   not async-signal-safe: it may throw; thread-safe
  /// Errors:   std::system_error (EMFILE, ENFILE, ENOMEM); nothing has changed then
  /// Cost:     the first call one or two system calls
  /// Source:   Linux eventfd
  [[nodiscard]] int fd() { return detail::descriptor_of_event(state_); }

 private:
  detail::event_state state_;
};

/// An event that keeps how often it was set: a wait returns that number, and begins again at 0. It
/// stays at 4,294,967,295 once it has come so far.
/// Safety, Errors, Cost: as event; what is not said here is as there
class counting_event {
 public:
  constexpr counting_event() noexcept = default;
  counting_event(const counting_event&) = delete;
  counting_event& operator=(const counting_event&) = delete;
  ~counting_event() { detail::destroy_event(state_); }

  void set() noexcept { state_.add(UINT32_MAX); }
  [[nodiscard]] bool is_set() const noexcept {
    return detail::event_word::value(state_.load()) != 0;
  }
  /// How often it was set since the last reset or wait.
  std::uint32_t reset() noexcept { return detail::take_event(state_); }

  /// Returns how often it was set since the last reset or wait; at least 1.
  std::uint32_t wait(location where = location::current()) {
    return detail::wait_for_event(state_, detail::longest_time, where);
  }
  /// The same; 0 when the time was up.
  template <detail::duration_like Duration>
  [[nodiscard]] std::uint32_t wait_for(const Duration& time, location where = location::current()) {
    const std::int64_t end =
        detail::saturating_sum(detail::monotonic_now(), detail::to_nanoseconds(time));
    return detail::wait_for_event(state_, end, where);
  }
  template <detail::time_point_like Time>
  [[nodiscard]] std::uint32_t wait_until(const Time& time, location where = location::current()) {
    return detail::wait_for_event_until(state_, time, where);
  }

  [[nodiscard]] int fd() { return detail::descriptor_of_event(state_); }

 private:
  detail::event_state state_;
};

}  // namespace sigsafe
