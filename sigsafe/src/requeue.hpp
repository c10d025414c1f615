// Giving a signal back to the kernel.
#pragma once

#include <signal.h>

namespace sigsafe::detail {

/// Queues the signal to this thread again, with exactly this siginfo. Panics when the kernel
/// refuses: no signal is lost in silence.
void requeue(const siginfo_t& info) noexcept;

}  // namespace sigsafe::detail
