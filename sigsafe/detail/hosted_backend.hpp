// What the eager and the lazy backend have in common. They sleep in the same way, because what has
// to be put back afterwards depends on the thread and not on the guard that sleeps.
#pragma once

#include <sigsafe/config.hpp>

#include <poll.h>
#include <signal.h>

#include <concepts>
#include <cstddef>
#include <cstdint>

#include <sigsafe/detail/deadline.hpp>
#include <sigsafe/detail/futex.hpp>
#include <sigsafe/detail/protocol.hpp>
#include <sigsafe/detail/relaxed.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/detail/wait.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/wake.hpp>

namespace sigsafe::detail {

/// The descriptors of a poll: any array or contiguous range of pollfd.
class descriptors {
 public:
  constexpr descriptors() noexcept = default;
  template <class Range>
    requires requires(Range& range) {
      { range.data() } -> std::convertible_to<pollfd*>;
      { range.size() } -> std::convertible_to<std::size_t>;
    }
  constexpr descriptors(Range&& range) noexcept  // NOLINT(*-explicit-*): as std::span
      : data_(range.data()), size_(range.size()) {}
  template <std::size_t Size>
  constexpr descriptors(pollfd (&array)[Size]) noexcept  // NOLINT(*-explicit-*)
      : data_(array), size_(Size) {}

  [[nodiscard]] constexpr pollfd* data() const noexcept { return data_; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }

 private:
  pollfd* data_ = nullptr;
  std::size_t size_ = 0;
};

struct hosted_backend {
  /// Any std::chrono::duration will do.
  struct duration {
    struct period {
      static constexpr std::int64_t num = 1, den = 1'000'000'000;
    };
    constexpr explicit duration(std::int64_t nanoseconds) noexcept : count_(nanoseconds) {}
    [[nodiscard]] constexpr std::int64_t count() const noexcept { return count_; }

   private:
    std::int64_t count_;
  };
  using descriptors = detail::descriptors;

  /// Would a handler run now? False while this thread holds anything, eager or lazy, and while a
  /// handler runs. A mask that the program set by itself is not looked at.
  SIGSAFE_NO_UBSAN static bool enabled() noexcept { return this_thread.idle(); }

  static const void* self() noexcept { return &this_thread; }

  /// CLOCK_MONOTONIC, in nanoseconds.
  static std::int64_t now() noexcept { return monotonic_now(); }

  /// For checked builds: panics where a lock could be this thread's own.
  static void require_may_lock(location where) noexcept { detail::require_may_lock(where); }

  template <class Saved>
  static void wait(Saved, location where = location::current()) {
    require_only_hold(where);
    int error = 0;
    sleep_unheld(nullptr, 0, for_ever, error);
  }

  template <class Saved, duration_like Duration>
  static bool wait_for(Saved, Duration time, location where = location::current()) {
    require_only_hold(where);
    int error = 0;
    return sleep_unheld(nullptr, 0, positive_nanoseconds(time), error) == wake::handler;
  }

  template <class Saved>
  static poll_result poll(Saved, descriptors fds, location where = location::current()) {
    return checked_poll(fds, for_ever, where);
  }

  template <class Saved, duration_like Duration>
  static poll_result poll(Saved, descriptors fds, Duration time,
                          location where = location::current()) {
    return checked_poll(fds, positive_nanoseconds(time), where);
  }

  template <class Saved, class F>
  static bool open(Saved, F& blocking, location where = location::current()) {
    require_only_hold(where);
    constexpr bool takes_mask = requires(const sigset_t* mask) { blocking(mask); };
    const auto call = [](void* function, [[maybe_unused]] const sigset_t* mask) {
      if constexpr (takes_mask)
        (**static_cast<F**>(function))(mask);
      else
        (**static_cast<F**>(function))();
    };
    F* function = &blocking;
    return call_unheld(call, &function, !takes_mask);
  }

 private:
  // A negative number would be for_ever.
  template <class Duration>
  static std::int64_t positive_nanoseconds(const Duration& time) noexcept {
    const std::int64_t nanoseconds = to_nanoseconds(time);
    return nanoseconds > 0 ? nanoseconds : 0;
  }

  static poll_result checked_poll(descriptors fds, std::int64_t nanoseconds, location where) {
    require_only_hold(where);
    int error = 0;
    const poll_result woken = sleep_unheld(fds.data(), fds.size(), nanoseconds, error);
    if (error != 0) throw_poll_error(error);
    return woken;
  }
};

}  // namespace sigsafe::detail
