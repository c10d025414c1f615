// Closing and opening the mask, in line: each return behind a system call costs (linux_mask.hpp),
// and these make the calls of eager guards and of dispatches.
#pragma once

#include <sigsafe/config.hpp>

#include <cstdint>

#include <sigsafe/detail/relaxed.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/mask.hpp>

namespace sigsafe::detail {

/// Rule 6: blocks these signals, raises eager, and adds what was not blocked before to added.
/// Returns the mask before.
//
// In this order, or the guard of a handler of an unmaskable signal, run between two of the steps,
// would open what is closed here.
inline signal_set close_mask(signal_set signals) noexcept {
  thread_state& thread = current_thread();
  const signal_set before = block(signals);
  thread.eager.increment();
  handler_fence();
  // A union, never an assignment: the share of an earlier deferral is in there.
  thread.added.set_bits((signals - before).bits());
  handler_fence();
  return before;
}

/// Takes these out of added, by one instruction; returns those that were there.
inline signal_set take_added(signal_set signals) noexcept {
  handler_fence();
  const std::uint64_t before = current_thread().added.clear_bits(signals.bits());
  handler_fence();
  return signal_set::from_bits(before) & signals;
}

/// Rule 7: lowers eager, and takes out of the kernel's mask what sigsafe has added to it, but for
/// what subset guards still name.
/// Pre:      close_mask, or something else raised eager and closed the mask
//
// Taking out what was added, instead of setting an old mask back, makes the order of releases
// indifferent. The share is taken before eager goes down, and unblocked last: a handler that runs
// within SIG_UNBLOCK may add. It is taken by one instruction, because a signal that was left open
// may have become deferrable, and add itself (rule 16).
inline void open_mask() noexcept {
  thread_state& thread = current_thread();
  const signal_set share = take_added(signal_set::from_bits(~thread.named.load()));
  thread.eager.decrement();
  if (!share.empty())
    unblock(share);
  else
    handler_fence();
}

}  // namespace sigsafe::detail
