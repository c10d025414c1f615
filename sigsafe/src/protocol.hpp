// The lazy protocol: what happens to a signal that arrives while its thread is held.
// docs/explanation/lazy-masking.md numbers its rules; the code cites those numbers. What guards
// call is declared in detail/protocol.hpp.
#pragma once

#include <sigsafe/config.hpp>

#include <signal.h>

namespace sigsafe::detail {

/// Rule 2: writes the signal down.
/// Pre:      the thread is held and has deferred nothing; everything maskable is blocked and will
///           stay so
void note_deferred(const siginfo_t& info) noexcept;

/// Rule 4: runs the handlers of the deferred signal, or gives it back to the kernel; and those that
/// other code called meanwhile. Returns true when a handler ran.
/// Pre:      the mask is closed, and eager is raised
bool take_deferred() noexcept;

}  // namespace sigsafe::detail
