// What the eager and the lazy backend have in common. They sleep in the same way, because what has
// to be put back afterwards depends on the thread and not on the guard that sleeps.
#pragma once

#include <sigsafe/config.hpp>

#include <poll.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <span>

#include <sigsafe/detail/relaxed.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/detail/wait.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/wake.hpp>

namespace sigsafe::detail {

template <class Rep, class Period>
timespec to_timespec(std::chrono::duration<Rep, Period> time) noexcept {
  // About 31 years stand for every longer time, so that no conversion overflows.
  constexpr std::chrono::seconds longest{1'000'000'000};
  if (std::chrono::duration<double>(time) >= longest) return {longest.count(), 0};
  const auto rest =
      std::max(std::chrono::ceil<std::chrono::nanoseconds>(time), std::chrono::nanoseconds{0});
  const auto seconds = std::chrono::floor<std::chrono::seconds>(rest);
  return {static_cast<time_t>(seconds.count()), static_cast<long>((rest - seconds).count())};
}

struct hosted_backend {
  using duration = std::chrono::nanoseconds;
  using descriptors = std::span<pollfd>;

  /// Would a handler run now? False while this thread holds anything, eager or lazy, and while a
  /// handler runs. A mask that the program set by itself is not looked at.
  SIGSAFE_NO_UBSAN static bool enabled() noexcept { return this_thread.idle(); }

  static const void* self() noexcept { return &this_thread; }

  template <class Saved>
  static void wait(Saved, location where = location::current()) noexcept {
    require_only_hold(where);
    int error = 0;
    sleep_unheld(nullptr, 0, nullptr, error);
  }

  template <class Saved, class Rep, class Period>
  static bool wait_for(Saved, std::chrono::duration<Rep, Period> time,
                       location where = location::current()) noexcept {
    require_only_hold(where);
    const timespec limit = to_timespec(time);
    int error = 0;
    return sleep_unheld(nullptr, 0, &limit, error) == wake::handler;
  }

  template <class Saved>
  static wake poll(Saved, descriptors fds, location where = location::current()) {
    return checked_poll(fds, nullptr, where);
  }

  template <class Saved, class Rep, class Period>
  static wake poll(Saved, descriptors fds, std::chrono::duration<Rep, Period> time,
                   location where = location::current()) {
    const timespec limit = to_timespec(time);
    return checked_poll(fds, &limit, where);
  }

 private:
  static wake checked_poll(descriptors fds, const timespec* limit, location where) {
    require_only_hold(where);
    int error = 0;
    const wake woken = sleep_unheld(fds.data(), fds.size(), limit, error);
    if (error != 0) throw_poll_error(error);
    return woken;
  }
};

}  // namespace sigsafe::detail
