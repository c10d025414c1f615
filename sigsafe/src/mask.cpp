#include <sigsafe/src/mask.hpp>

#include <signal.h>
#include <ucontext.h>

#include <cstdint>
#include <cstring>

#include <sigsafe/detail/relaxed.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/process.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/system/system.hpp>

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

// In this order, or the guard of a handler of an unmaskable signal, run between two of the steps,
// would open what is closed here (rule 6).
signal_set close_mask() noexcept {
  thread_state& thread = current_thread();
  const signal_set before = block(signal_set::maskable());
  thread.eager.increment();
  handler_fence();
  // A union, never an assignment: the share of an earlier deferral is in there.
  thread.added.set_bits((signal_set::maskable() - before).bits());
  handler_fence();
  return before;
}

// Taking out what was added, instead of setting an old mask back, makes the order of releases
// indifferent. The share is taken before eager goes down, and unblocked last: a handler that runs
// within SIG_UNBLOCK may add (rule 7).
void open_mask() noexcept {
  thread_state& thread = current_thread();
  const std::uint64_t added = thread.added.load();
  const std::uint64_t named = thread.named.load();
  thread.added.store(added & named);
  handler_fence();
  thread.eager.decrement();
  const auto share = signal_set::from_bits(added & ~named);
  if (!share.empty())
    unblock(share);
  else
    handler_fence();
}

namespace {

// The kernel's frame has room for its own bytes of the mask, not for a whole sigset_t: behind them
// lies the floating-point state or the siginfo.
std::uint64_t mask_of(const void* context) noexcept {
  std::uint64_t bits;
  static_assert(sizeof(bits) == system::kernel_mask_size);
  std::memcpy(&bits, &static_cast<const ucontext_t*>(context)->uc_sigmask, sizeof(bits));
  return bits;
}

}  // namespace

void block_maskable_in(void* interrupted_context) noexcept {
  const std::uint64_t before = mask_of(interrupted_context);
  const std::uint64_t missing = signal_set::maskable().bits() & ~before;
  const std::uint64_t bits = before | missing;
  std::memcpy(&static_cast<ucontext_t*>(interrupted_context)->uc_sigmask, &bits, sizeof(bits));
  current_thread().added.set_bits(missing);
}

void set_mask_of(const void* interrupted_context, signal_set more) noexcept {
  handler_fence();
  const auto mask = signal_set::from_bits(mask_of(interrupted_context));
  system::change_mask(SIG_SETMASK, mask | more);
  handler_fence();
}

}  // namespace sigsafe::detail

namespace sigsafe {

signal_set program_mask() noexcept {
  const detail::thread_state& thread = detail::current_thread();
  const std::uint64_t added = thread.added.load() & ~thread.named.load();
  return detail::block({}) - signal_set::from_bits(added);
}

}  // namespace sigsafe
