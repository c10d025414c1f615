#include <sigsafe/src/mask.hpp>

#include <signal.h>
#include <ucontext.h>

#include <cstdint>
#include <cstring>

#include <sigsafe/detail/relaxed.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/process.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/signal_fds.hpp>
#include <sigsafe/src/system/system.hpp>
#include <sigsafe/src/undeferrable.hpp>

namespace sigsafe::detail {

// The C library declares its system calls as functions that leave this file's memory alone: the
// fences keep the thread's words where they stand.
signal_set block(signal_set signals) noexcept {
  handler_fence();
  signal_set before;
  system::change_mask(SIG_BLOCK, signals, &before);
  handler_fence();
  return before;
}

void unblock(signal_set signals) noexcept {
  handler_fence();
  system::change_mask(SIG_UNBLOCK, signals);
  handler_fence();
}

signal_set closed_signals() noexcept { return signal_set::maskable() - undeferrable(); }

// In this order, or the guard of a handler of an unmaskable signal, run between two of the steps,
// would open what is closed here (rule 6).
signal_set close_mask(signal_set signals) noexcept {
  thread_state& thread = current_thread();
  const signal_set before = block(signals);
  thread.eager.increment();
  handler_fence();
  // A union, never an assignment: the share of an earlier deferral is in there.
  thread.added.set_bits((signals - before).bits());
  handler_fence();
  return before;
}

signal_set take_added(signal_set signals) noexcept {
  handler_fence();
  const std::uint64_t before = current_thread().added.clear_bits(signals.bits());
  handler_fence();
  return signal_set::from_bits(before) & signals;
}

// Taking out what was added, instead of setting an old mask back, makes the order of releases
// indifferent. The share is taken before eager goes down, and unblocked last: a handler that runs
// within SIG_UNBLOCK may add (rule 7). It is taken by one instruction, because a signal that was
// left open may have become deferrable, and add itself (rule 16).
void open_mask() noexcept {
  thread_state& thread = current_thread();
  const signal_set share = take_added(signal_set::from_bits(~thread.named.load()));
  thread.eager.decrement();
  if (!share.empty())
    unblock(share);
  else
    handler_fence();
}

// The kernel's frame has room for its own bytes of the mask, not for a whole sigset_t: behind them
// lies the floating-point state or the siginfo.
signal_set interrupted_mask(const void* interrupted_context) noexcept {
  std::uint64_t bits;
  static_assert(sizeof(bits) == system::kernel_mask_size);
  std::memcpy(&bits, &static_cast<const ucontext_t*>(interrupted_context)->uc_sigmask,
              sizeof(bits));
  return signal_set::from_bits(bits);
}

void close_mask_of(void* interrupted_context) noexcept {
  const signal_set before = interrupted_mask(interrupted_context);
  const signal_set missing = closed_signals() - before;
  const std::uint64_t bits = (before | missing).bits();
  std::memcpy(&static_cast<ucontext_t*>(interrupted_context)->uc_sigmask, &bits, sizeof(bits));
  current_thread().added.set_bits(missing.bits());
}

void set_mask_of(const void* interrupted_context, signal_set more) noexcept {
  handler_fence();
  system::change_mask(SIG_SETMASK, interrupted_mask(interrupted_context) | more);
  handler_fence();
}

}  // namespace sigsafe::detail

namespace sigsafe {

signal_set program_mask() noexcept {
  const detail::thread_state& thread = detail::current_thread();
  const std::uint64_t added = thread.added.load() & ~thread.named.load();
  const signal_set mask = detail::block({}) - signal_set::from_bits(added);
  return mask - detail::taken_by_signal_fds(mask);
}

}  // namespace sigsafe
