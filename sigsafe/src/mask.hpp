// The masks: the kernel's for this thread, what sigsafe added to it, and that of the interrupted
// context. block_maskable, which guards call, is declared in detail/protocol.hpp.
#pragma once

#include <sigsafe/config.hpp>

#include <sigsafe/signal_set.hpp>

namespace sigsafe::detail {

/// Returns the mask before.
signal_set block(signal_set signals) noexcept;
void unblock(signal_set signals) noexcept;

/// Takes out of the kernel's mask what sigsafe has added to it.
/// Pre:      everything maskable is blocked
void unblock_added() noexcept;

/// Blocks the maskable set in the context that a trampoline interrupted: it holds as soon as the
/// trampoline returns. What was not blocked there goes into added.
void block_maskable_in(void* interrupted_context) noexcept;

}  // namespace sigsafe::detail
