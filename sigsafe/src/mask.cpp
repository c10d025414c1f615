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

namespace {

// Not so in the sleep itself, where a foreign handler may ask.
bool is_closed(signal_set aside, signal_set mask) noexcept { return mask.contains(aside); }

}  // namespace

signal_set blocked_by_sigsafe(signal_set mask) noexcept {
  const thread_state& thread = current_thread();
  const signal_set added = signal_set::from_bits(thread.added.load());
  const signal_set aside = signal_set::from_bits(thread.aside.load());
  return is_closed(aside, mask) ? added | aside : added;
}

bool is_closed_for_a_call() noexcept {
  const signal_set aside = signal_set::from_bits(current_thread().aside.load());
  return !aside.empty() && is_closed(aside, block({}));
}

void set_mask_of(const void* interrupted_context, signal_set more) noexcept {
  handler_fence();
  system::change_mask(SIG_SETMASK, interrupted_mask(interrupted_context) | more);
  handler_fence();
}

}  // namespace sigsafe::detail

namespace sigsafe {

signal_set program_mask() noexcept {
  // The mask first: what is deferred behind that blocks nothing in it.
  const signal_set blocked = detail::block({});
  const signal_set named = signal_set::from_bits(detail::current_thread().named.load());
  const signal_set mask = blocked - (detail::blocked_by_sigsafe(blocked) - named);
  return mask - detail::taken_by_signal_fds(mask);
}

}  // namespace sigsafe
