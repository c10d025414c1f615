// The masks: the kernel's for this thread, what sigsafe added to it, and that of the interrupted
// context.
#pragma once

#include <sigsafe/config.hpp>

#include <sigsafe/signal_set.hpp>

namespace sigsafe::detail {

/// Returns the mask before.
signal_set block(signal_set signals) noexcept;
void unblock(signal_set signals) noexcept;

/// What closing the mask blocks: the maskable set, without what is not deferrable.
signal_set closed_signals() noexcept;

/// Rule 6: blocks these signals, raises eager, and adds what was not blocked before to added.
/// Returns the mask before.
signal_set close_mask(signal_set signals) noexcept;

/// Rule 7: lowers eager, and takes out of the kernel's mask what sigsafe has added to it, but for
/// what subset guards still name.
/// Pre:      close_mask, or something else raised eager and closed the mask
void open_mask() noexcept;

/// Takes these out of added, by one instruction; returns those that were there.
signal_set take_added(signal_set signals) noexcept;

/// Closes the mask of the context that a trampoline interrupted: it holds as soon as the trampoline
/// returns. What was not blocked there goes into added.
void close_mask_of(void* interrupted_context) noexcept;

/// The mask of that context.
signal_set interrupted_mask(const void* interrupted_context) noexcept;

/// Gives the thread the mask of the context that a trampoline interrupted, and more.
void set_mask_of(const void* interrupted_context, signal_set more = {}) noexcept;

}  // namespace sigsafe::detail
