// A region in which a thread may sleep for long: a signal that waits for its end is let in.
#pragma once

#include <signal.h>

#include <sigsafe/shield/library/thread_state.hpp>

namespace shield {

/// SIGRTMAX - 1, as most programs that use real-time signals count from SIGRTMIN.
constexpr int sleep_signal = 63;

/// With the start of the program, in the tiers that need it.
void install_sleep_handler() noexcept;

/// The program uses the signal itself: nobody is let in any more.
void leave_sleep_signal_to_program() noexcept;

/// Whether somebody will ask a thread that may sleep.
bool can_watch() noexcept;

/// The program has given the signal its default action, or ignores it, which is as good for us: a
/// loop over all signals means no harm.
bool keeps_sleep_signal() noexcept;
bool is_sleep_handler(const struct sigaction& found) noexcept;

/// A deferral has just begun.
void watch_for_sleep(deferrals& begun) noexcept;

}  // namespace shield
