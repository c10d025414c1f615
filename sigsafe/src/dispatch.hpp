// Running what is registered for a signal.
#pragma once

#include <signal.h>

namespace sigsafe::detail {

enum class dispatched { ran, no_handler };

/// Runs the handlers of a signal, newest first, and then what stood there before them if one of
/// them chains, or if none of them is for this process: a forked child.
/// Pre:      everything maskable is blocked
dispatched run_handlers(int signal, siginfo_t& info, void* context) noexcept;

/// Runs the handlers now; without any, does what the disposition before sigsafe's says, or nothing,
/// if one of those that have ended wanted that.
/// Pre:      everything maskable is blocked
void run_now(int signal, siginfo_t& info, void* context) noexcept;

}  // namespace sigsafe::detail
