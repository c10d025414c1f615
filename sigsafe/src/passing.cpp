#include <sigsafe/src/passing.hpp>

#include <signal.h>

#include <atomic>
#include <cstdint>

#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/backoff.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/system/system.hpp>
#include <sigsafe/thread_id.hpp>

namespace sigsafe {

thread_id thread_id::current() noexcept { return thread_id{detail::system::own_thread()}; }

}  // namespace sigsafe

namespace sigsafe::detail {

namespace {

bool pass_on_to(int thread, const siginfo_t& info) noexcept {
  siginfo_t passed = info;
  if (passed.si_code > -farthest_code && passed.si_code < farthest_code)
    passed.si_code += passed_on;
  return system::queue_to_thread(thread, passed) == 0;
}

}  // namespace

bool pass_on(thread_id target, const siginfo_t& info) noexcept {
  if (target == thread_id{} || target == thread_id::current()) return false;
  return pass_on_to(target.native(), info);
}

int claim_signals(signal_set signals, std::uint32_t thread) noexcept {
  const registration_lock registering;
  for (const int signal : signals)
    if (page().claimants[signal].load(std::memory_order_relaxed) != 0) return signal;
  for (const int signal : signals)
    page().claimants[signal].store(thread, std::memory_order_seq_cst);
  return 0;
}

// Who passes something on counts himself before he looks for the claimant: so either he finds none,
// or this finds him.
void unclaim_signals(signal_set signals, std::uint32_t thread) noexcept {
  for (const int signal : signals) {
    std::uint32_t mine = thread;
    page().claimants[signal].compare_exchange_strong(mine, 0, std::memory_order_seq_cst);
  }
  for (backoff passing; page().passing.load(std::memory_order_seq_cst) != 0;) passing.pause();
}

// A code of the kernel, or that of kill: others are for this thread, or may be.
bool pass_to_claimant(const siginfo_t& info) noexcept {
  std::atomic<std::uint32_t>& claimant = page().claimants[info.si_signo];
  if (info.si_code < 0 || claimant.load(std::memory_order_relaxed) == 0) [[likely]]
    return false;
  page().passing.fetch_add(1, std::memory_order_seq_cst);
  const auto thread = static_cast<int>(claimant.load(std::memory_order_seq_cst));
  const bool passed = thread != 0 && thread != system::own_thread() && pass_on_to(thread, info);
  page().passing.fetch_sub(1, std::memory_order_seq_cst);
  return passed;
}

}  // namespace sigsafe::detail
