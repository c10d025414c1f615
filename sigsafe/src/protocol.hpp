// The lazy protocol: what happens to a signal that arrives while its thread is held.
// docs/explanation/lazy-masking.md numbers its rules; the code cites those numbers. What guards
// call is declared in detail/protocol.hpp.
#pragma once

#include <sigsafe/config.hpp>

#include <signal.h>

#include <sigsafe/signal_set.hpp>

namespace sigsafe::detail {

/// Rule 2: writes the signal down and blocks the maskable set in the interrupted context.
/// Pre:      the thread is held and has deferred nothing
void defer(const siginfo_t& info, void* interrupted_context) noexcept;

/// The middle of rule 4: runs the handlers of the deferred signal, or queues it again. Returns true
/// when a handler ran.
/// Pre:      everything maskable is blocked; mask_before is the mask before that
bool take_deferred(signal_set mask_before) noexcept;

}  // namespace sigsafe::detail
