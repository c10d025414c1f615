// The masks: the kernel's for this thread, what sigsafe added to it, and that of the interrupted
// context.
#pragma once

#include <sigsafe/config.hpp>

#include <signal.h>

#include <sigsafe/detail/relaxed.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/system/system.hpp>

namespace sigsafe::detail {

// The C library declares its system calls as functions that leave a file's memory alone: the fences
// keep the thread's words where they stand.

/// Returns the mask before.
inline signal_set block(signal_set signals) noexcept {
  handler_fence();
  signal_set before;
  system::change_mask(SIG_BLOCK, signals, &before);
  handler_fence();
  return before;
}

inline void unblock(signal_set signals) noexcept {
  handler_fence();
  system::change_mask(SIG_UNBLOCK, signals);
  handler_fence();
}

/// Closes the mask of the context that a trampoline interrupted: it holds as soon as the trampoline
/// returns. What was not blocked there goes into added.
void close_mask_of(void* interrupted_context) noexcept;

/// The mask of that context.
signal_set interrupted_mask(const void* interrupted_context) noexcept;

/// What sigsafe has blocked of this thread's mask, which the caller has read before: added, and
/// what a wait or an open has set aside, unless the mask is the open one of its sleep (rule 12).
signal_set blocked_by_sigsafe(signal_set mask) noexcept;

/// Whether everything is blocked for the function of an open.
bool is_closed_for_a_call() noexcept;

/// Gives the thread the mask of the context that a trampoline interrupted, and more.
void set_mask_of(const void* interrupted_context, signal_set more = {}) noexcept;

}  // namespace sigsafe::detail
