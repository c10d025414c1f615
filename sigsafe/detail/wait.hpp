// Sleeping with a hold: enable and sleep in one step, so that no signal falls between.
#pragma once

#include <sigsafe/config.hpp>

#include <poll.h>
#include <time.h>

#include <sigsafe/location.hpp>
#include <sigsafe/wake.hpp>

namespace sigsafe::detail {

/// Panics unless the caller's guard is the only hold of this thread and no handler runs.
SIGSAFE_API void require_only_hold(location where) noexcept;

/// Holds nothing, sleeps with the program mask, and holds again what was held. A null timeout
/// sleeps until something happens. error becomes that of ppoll, or 0.
SIGSAFE_API wake sleep_unheld(pollfd* fds, nfds_t size, const timespec* timeout,
                              int& error) noexcept;

[[noreturn]] SIGSAFE_API void throw_poll_error(int error);

}  // namespace sigsafe::detail
