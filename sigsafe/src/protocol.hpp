// The lazy protocol: what happens to a signal that arrives while its thread is held.
// docs/explanation/lazy-masking.md numbers its rules; the code cites those numbers. What guards
// call is declared in detail/protocol.hpp.
#pragma once

#include <sigsafe/config.hpp>

#include <signal.h>

namespace sigsafe::detail {

/// Rule 2: writes the signal down and blocks the maskable set in the interrupted context.
/// Pre:      the thread is held and has deferred nothing
void defer(const siginfo_t& info, void* interrupted_context) noexcept;

/// Rule 4: runs the handlers of the deferred signal, or gives it back to the kernel. Returns true
/// when a handler ran.
/// Pre:      everything maskable is blocked, and eager is raised
bool take_deferred() noexcept;

}  // namespace sigsafe::detail
