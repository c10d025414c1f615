// Running what is registered for a signal.
#pragma once

#include <signal.h>

namespace sigsafe::detail {

/// What came of a signal. Handlers that are not deferrable run quietly: nobody is woken.
enum class dispatched { ran, ran_quietly, no_handler };

/// Does what runs for this signal want a frame that the kernel has built: its stack, its context?
bool needs_frame(int signal) noexcept;

/// Runs the handlers of a signal, newest first, and then what stood there before them if one of
/// them chains, or if none of them is for this process: a forked child.
/// Pre:      the mask is closed
dispatched run_handlers(int signal, siginfo_t& info) noexcept;

/// Runs the handlers now. Without any, the kernel gets the signal again, for the disposition before
/// sigsafe's; one that other code has called does what that says, or nothing, if one of those that
/// have ended wanted that. What stood there before runs with the mask of the frame that the kernel
/// built for this signal, or, without one, with everything blocked.
/// Pre:      everything maskable is blocked
void run_now(int signal, siginfo_t& info, void* context, const void* frame) noexcept;

/// For a signal whose handlers have gone since it was deferred: what stood there before them runs,
/// with everything blocked.
/// Pre:      everything maskable is blocked
void run_without_handlers(int signal, siginfo_t& info) noexcept;

/// What sigsafe chains to has called sigsafe: what that code found when it came follows, once,
/// unless one of sigsafe's handlers does not chain. A default action does only when none of them is
/// for this process.
void run_beneath(int signal, siginfo_t& info, void* context) noexcept;

}  // namespace sigsafe::detail
