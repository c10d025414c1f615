// Rule 11: which signals the live subset guards of a thread name, and what their releases unblock.
#include <sigsafe/detail/protocol.hpp>

#include <cstdint>

#include <sigsafe/detail/relaxed.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/panic.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/closing.hpp>
#include <sigsafe/src/mask.hpp>

namespace sigsafe::detail {
namespace {

relaxed<std::uint32_t>& namers(int signal) noexcept { return current_thread().namers[signal - 1]; }

void count_namer(int signal) noexcept {
  constexpr std::uint32_t most = 65'535;  // more is a guard that is never released
  if (namers(signal).load() == most)
    panic("more than 65,535 subset guards of this thread name one signal; release some first",
          {nullptr, 0});
  namers(signal).increment();
}

}  // namespace

// Block, count, publish: a deferral between the first two finds the set blocked and does not add
// it; a dispatch between the last two finds it named and leaves it alone.
signal_set hold_subset(signal_set signals) noexcept {
  thread_state& thread = current_thread();
  const signal_set before = block(signals);
  for (const int signal : signals) count_namer(signal);
  thread.named.store(thread.named.load() | signals.bits());
  handler_fence();
  thread.added.set_bits((signals - before).bits());
  return before;
}

void release_subset(signal_set signals) noexcept {
  thread_state& thread = current_thread();
  signal_set last;  // those that only this guard names
  for (const int signal : signals)
    if (namers(signal).load() == 1) last.insert(signal);
  // Otherwise whoever opens the mask unblocks the share, because then it is no longer named.
  signal_set share;
  if (thread.eager.load() == 0 && !thread.has_deferred() && !is_closed_for_a_call())
    share = take_added(last);
  for (const int signal : signals) namers(signal).decrement();
  thread.named.store(thread.named.load() & ~last.bits());
  if (!share.empty()) unblock(share);
}

}  // namespace sigsafe::detail
