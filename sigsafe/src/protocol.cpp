#include <sigsafe/src/protocol.hpp>

#include <signal.h>

#include <cstdint>

#include <sigsafe/detail/protocol.hpp>
#include <sigsafe/detail/relaxed.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/caller.hpp>
#include <sigsafe/src/cancellation.hpp>
#include <sigsafe/src/closing.hpp>
#include <sigsafe/src/dispatch.hpp>
#include <sigsafe/src/disposition.hpp>
#include <sigsafe/src/errno_saver.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/requeue.hpp>
#include <sigsafe/src/slots.hpp>
#include <sigsafe/src/stops.hpp>
#include <sigsafe/src/system/system.hpp>
#include <sigsafe/src/thread_end.hpp>
#include <sigsafe/src/undeferrable.hpp>

namespace sigsafe::detail {
namespace {

// The mask is closed. What sigsafe has not added, or a subset guard names, others want blocked.
bool is_blocked_by_others(int signal) noexcept {
  const thread_state& thread = current_thread();
  return !signal_set::from_bits(thread.added.load() & ~thread.named.load()).contains(signal);
}

// Rule 14: without queueing, which would call the foreign handler once more.
bool run_called() noexcept {
  bool ran = false;
  for (const int signal : signal_set::from_bits(current_thread().called.exchange(0))) {
    siginfo_t info = unknown_info(signal);
    if (run_handlers(signal, info) == dispatched::no_handler) run_without_handlers(signal, info);
    ran = true;
  }
  return ran;
}

// It comes back when the mask is opened, in a frame that the kernel has built; unless other code
// has replaced the trampoline, and would be called once more. Real-time signals of one number keep
// their order: one that others wait behind stays in front.
bool comes_back_in_a_frame(const siginfo_t& info) noexcept {
  struct sigaction current;
  if (!needs_frame(info.si_signo) || sigaction(info.si_signo, nullptr, &current) != 0 ||
      !is_trampoline(current))
    return false;
  if (info.si_signo >= SIGRTMIN && signal_set::pending().contains(info.si_signo)) return false;
  return system::queue_to_this_thread(info) == 0;
}

bool run_or_requeue(siginfo_t& info) noexcept {
  if (!is_blocked_by_others(info.si_signo)) {
    if (comes_back_in_a_frame(info)) return false;
    if (run_handlers(info.si_signo, info) != dispatched::no_handler) return true;
    if (is_replaced(info.si_signo)) {  // and would call the one that has replaced them once more
      run_without_handlers(info.si_signo, info);
      return true;
    }
  }
  // When its handlers are gone, whatever disposition is in force gets it once it is unblocked.
  requeue(info);
  return false;
}

}  // namespace

void note_deferred(const siginfo_t& info) noexcept {
  thread_state& thread = current_thread();
  thread.info = info;
  thread.continued.store(continues());
  handler_fence();  // info is whole before deferred says so
  thread.deferred.store(process_generation());
  watch_end_of_thread();
}

bool take_deferred() noexcept {
  thread_state& thread = current_thread();
  const std::uint32_t generation = thread.deferred.load();
  // The guard of a foreign handler may have done this work already, or a fork copied a deferral
  // that is the parent's to dispatch (rule 10).
  if (generation == 0) return false;
  if (generation != process_generation()) {
    thread.called.store(0);
    thread.deferred.store(0);
    return false;
  }
  siginfo_t info = thread.info;
  handler_fence();  // info is read before the next deferral may overwrite it
  thread.deferred.store(0);
  handler_fence();
  const uncancellable_scope uncancellable;
  const bool dropped = is_over(info.si_signo, thread.continued.load());
  const bool ran = !dropped && run_or_requeue(info);
  return run_called() || ran;
}

namespace {

/// Pre:      the mask is closed, eager is raised by the caller, and nothing is held
void dispatch_and_open() noexcept {
  const errno_saver saver;
  while (current_thread().has_deferred()) take_deferred();
  open_mask();
}

// True when this release is one in a handler that interrupted another release, which will dispatch
// (rule 5).
bool is_resumed() noexcept {
  thread_state& thread = current_thread();
  if (thread.resumed.load() == 0) return false;
  thread.resumed.decrement();
  return true;
}

}  // namespace

void dispatch_deferred() noexcept {
  // Once more when a handler that changed the mask by itself has let one in behind it.
  while (current_thread().idle() && current_thread().has_deferred()) {
    if (is_resumed()) return;
    close_mask(closed_signals());
    dispatch_and_open();
  }
}

void begin_first_eager() noexcept {
  current_thread().note_resumed();
  close_mask(closed_signals());
}

void release_last_eager() noexcept {
  thread_state& thread = current_thread();
  handler_fence();  // held is down before deferred is read
  if (!thread.has_deferred()) {
    open_mask();
  } else if (thread.held.load() != 0 || is_resumed()) {
    thread.eager.decrement();  // the last release, or the one that was interrupted, opens
    handler_fence();
  } else {
    dispatch_and_open();
    dispatch_deferred();  // what a handler that changed the mask by itself has let in behind it
  }
}

}  // namespace sigsafe::detail
