#include <sigsafe/src/mask.hpp>

#include <signal.h>
#include <ucontext.h>

#include <cstdint>
#include <cstring>

#include <sigsafe/detail/protocol.hpp>
#include <sigsafe/detail/relaxed.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/system/system.hpp>

namespace sigsafe::detail {

signal_set block(signal_set signals) noexcept { return system::change_mask(SIG_BLOCK, signals); }

void unblock(signal_set signals) noexcept { system::change_mask(SIG_UNBLOCK, signals); }

signal_set block_maskable() noexcept {
  const signal_set before = block(signal_set::maskable());
  // A union, never an assignment: an earlier deferral's share is in there (rule 5). Everything is
  // blocked by now; see unblock_added.
  auto& added = current_thread().added;
  added.store(added.load() | (signal_set::maskable() - before).bits());
  handler_fence();
  return before;
}

// Taking out what was added, instead of setting an old mask back, makes the order of releases
// indifferent (rule 7). Taken to a local first: a handler that runs within SIG_UNBLOCK may add.
// Until then everything is blocked, so nothing comes between the load and the store but a fault,
// whose handlers leave added as they found it.
void unblock_added() noexcept {
  auto& added = current_thread().added;
  const auto local = signal_set::from_bits(added.load());
  added.store(0);
  handler_fence();
  if (!local.empty()) unblock(local);
}

// The kernel's frame has room for its own bytes of the mask, not for a whole sigset_t: behind them
// lies the floating-point state or the siginfo.
void block_maskable_in(void* interrupted_context) noexcept {
  auto* const mask = &static_cast<ucontext_t*>(interrupted_context)->uc_sigmask;
  std::uint64_t bits;
  static_assert(sizeof(bits) == system::kernel_mask_size);
  std::memcpy(&bits, mask, sizeof(bits));
  const std::uint64_t missing = signal_set::maskable().bits() & ~bits;
  bits |= missing;
  std::memcpy(mask, &bits, sizeof(bits));
  current_thread().added.set_bits(missing);
}

}  // namespace sigsafe::detail
