// Sleeping with a hold: enable and sleep in one step, so that no signal falls between.
#pragma once

#include <sigsafe/config.hpp>

#include <poll.h>
#include <signal.h>

#include <cstdint>

#include <sigsafe/location.hpp>
#include <sigsafe/wake.hpp>

namespace sigsafe::detail {

/// A number of nanoseconds that never end.
inline constexpr std::int64_t for_ever = -1;

/// Panics unless the caller's guard is the only hold of this thread and no handler runs.
SIGSAFE_API void require_only_hold(location where) noexcept;

/// Panics when this thread holds anything, or a handler runs.
SIGSAFE_API void require_no_hold(location where) noexcept;

/// Holds nothing, sleeps with the program mask, and holds again what was held; for at most
/// `nanoseconds`, or for_ever. It comes back at once when a handler has run on any thread since
/// this thread's last sleep. error becomes that of ppoll, if it refuses; the next sleep tells of
/// what has run then. A cancellation point.
/// Pre:      error is 0
/// Errors:   std::system_error when there is no memory for one more sleeping thread
SIGSAFE_API poll_result sleep_unheld(pollfd* fds, nfds_t size, std::int64_t nanoseconds,
                                     int& error);

/// Calls a function as sleep_unheld sleeps. With `enables` its signals are enabled when it is
/// called; otherwise they are blocked, and `mask` enables them. Returns false, and does not call,
/// when a handler has run on any thread since this thread's last sleep.
/// Errors:   as sleep_unheld, and what the function throws
SIGSAFE_API bool call_unheld(void (*call)(void* function, const sigset_t* mask), void* function,
                             bool enables);

[[noreturn]] SIGSAFE_API void throw_poll_error(int error);

}  // namespace sigsafe::detail
