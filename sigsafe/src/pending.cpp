#include <sigsafe/src/pending.hpp>

#include <signal.h>

#include <atomic>
#include <cstdint>

#include <sigsafe/detail/relaxed.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/cancellation.hpp>
#include <sigsafe/src/dispatch.hpp>
#include <sigsafe/src/disposition.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/requeue.hpp>
#include <sigsafe/src/stops.hpp>
#include <sigsafe/src/system/system.hpp>
#include <sigsafe/src/table.hpp>

namespace sigsafe::detail {
namespace {

constexpr std::uint64_t standard_signals = (std::uint64_t{1} << 31) - 1;

// What the program itself blocks, or a subset guard names, goes on waiting. To queue a stop, or
// SIGCONT, again would take back the other (rule 13).
signal_set to_take() noexcept {
  const thread_state& thread = current_thread();
  const std::uint64_t ours = thread.added.load() & ~thread.named.load() & standard_signals;
  signal_set result;
  for (const int signal : signal_set::from_bits(ours) - stops - signal_set{SIGCONT})
    if (table.slots[signal].newest.load(std::memory_order_relaxed) != nullptr &&
        !needs_frame(signal))
      result.insert(signal);
  return result;
}

// Other code may have replaced the trampoline, and a fork may have left all handlers behind.
bool is_for_handlers(int signal) noexcept {
  struct sigaction current;
  return sigaction(signal, nullptr, &current) == 0 && is_trampoline(current) &&
         passage_through(table.slots[signal], process_generation()) != passage::nobody_here;
}

}  // namespace

// What is taken is not written down as deferred: a foreign handler of an unmaskable signal that
// calls sigsafe's may have deferred something meanwhile (rule 14).
signal_set run_one_that_is_pending() noexcept {
  const signal_set wanted = to_take();
  if (wanted.empty()) return {};
  const uncancellable_scope uncancellable;
  siginfo_t info;
  if (!system::take_pending(wanted, info)) return {};
  thread_state& thread = current_thread();
  const std::uint32_t held = thread.held.load();
  thread.held.store(0);
  handler_fence();
  const int signal = info.si_signo;
  const bool ran = is_for_handlers(signal) && run_handlers(signal, info) != dispatched::no_handler;
  if (!ran) requeue(info);
  handler_fence();
  thread.held.store(held);
  handler_fence();
  return ran ? signal_set{signal} : signal_set{};
}

}  // namespace sigsafe::detail
