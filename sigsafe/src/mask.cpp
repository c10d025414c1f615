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
