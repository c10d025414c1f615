// Who has called the trampoline, and what of its arguments can be trusted (rule 14).
//
// signal() saves and restores handlers without their flags: the kernel then calls the trampoline
// without a siginfo, and without blocking everything. Other code calls a handler that it has
// replaced itself, and often with the signal's number alone.
#pragma once

#include <signal.h>

namespace sigsafe::detail {

/// Has the kernel built this frame? It has when both lie where it puts them.
bool is_kernels_frame(const void* frame_address, const siginfo_t* info,
                      const void* context) noexcept;

/// Copies a siginfo of this signal from a place that may be anything.
bool copy_if_readable(int signal, const siginfo_t* from, siginfo_t& to) noexcept;

/// What is known of a signal about which nobody tells anything.
siginfo_t unknown_info(int signal) noexcept;

/// Puts back the flags and the mask of sigsafe's disposition when signal() has lost them. Had it?
bool repair_disposition(int signal) noexcept;

}  // namespace sigsafe::detail
