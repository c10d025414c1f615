// Giving a signal back to the kernel.
#pragma once

#include <signal.h>

namespace sigsafe::detail {

/// Queues the signal again with exactly this siginfo: to this thread, or to the process where it
/// came to that, so that another thread may take it. Panics when the kernel refuses: no signal is
/// lost in silence.
void requeue(const siginfo_t& info) noexcept;

/// The same, to this thread, or to the process, in any case.
void requeue_to_this_thread(const siginfo_t& info) noexcept;
void requeue_to_the_process(const siginfo_t& info) noexcept;

}  // namespace sigsafe::detail
