// Sleeping inside a guard: enable and sleep in one step, so that no signal falls between.
#pragma once

#include <poll.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <span>

#include <sigsafe/detail/export.hpp>
#include <sigsafe/detail/location.hpp>

namespace sigsafe {

/// Why a guard's poll came back.
enum class wake {
  handler,  ///< a handler ran; descriptors may be ready too, the next poll tells
  ready,    ///< a descriptor has events
  timeout,  ///< the time was up
};

}  // namespace sigsafe

namespace sigsafe::detail {

/// Panics unless the caller's guard is the only owner of this thread and no handler runs.
SIGSAFE_API void require_outermost(location where) noexcept;

/// Holds nothing, sleeps with the mask opened, and holds again what was held. A null timeout sleeps
/// until something happens. Errors of ppoll come back in error, 0 when there is none.
SIGSAFE_API wake sleep_open(pollfd* fds, nfds_t size, const timespec* timeout, int& error) noexcept;

[[noreturn]] SIGSAFE_API void throw_poll_error(int error);

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

/// The part of the hosted backends that sleeps. It is the same for both, because what has to be put
/// back afterwards depends on the thread and not on the guard that sleeps.
struct sleeping_backend {
  template <class State>
  static void wait(State, location where = location::current()) noexcept {
    require_outermost(where);
    int error = 0;
    sleep_open(nullptr, 0, nullptr, error);
  }

  template <class State, class Rep, class Period>
  static bool wait_for(State, std::chrono::duration<Rep, Period> time,
                       location where = location::current()) noexcept {
    require_outermost(where);
    const timespec limit = to_timespec(time);
    int error = 0;
    return sleep_open(nullptr, 0, &limit, error) == wake::handler;
  }

  template <class State>
  static wake poll(State, std::span<pollfd> fds, location where = location::current()) {
    return checked_poll(fds, nullptr, where);
  }

  template <class State, class Rep, class Period>
  static wake poll(State, std::span<pollfd> fds, std::chrono::duration<Rep, Period> time,
                   location where = location::current()) {
    const timespec limit = to_timespec(time);
    return checked_poll(fds, &limit, where);
  }

 private:
  static wake checked_poll(std::span<pollfd> fds, const timespec* limit, location where) {
    require_outermost(where);
    int error = 0;
    const wake woken = sleep_open(fds.data(), fds.size(), limit, error);
    if (error != 0) throw_poll_error(error);
    return woken;
  }
};

}  // namespace sigsafe::detail
