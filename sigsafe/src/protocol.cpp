#include <sigsafe/src/protocol.hpp>

#include <signal.h>

#include <cstdint>

#include <sigsafe/detail/protocol.hpp>
#include <sigsafe/detail/relaxed.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/dispatch.hpp>
#include <sigsafe/src/errno_saver.hpp>
#include <sigsafe/src/mask.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/requeue.hpp>

namespace sigsafe::detail {

void defer(const siginfo_t& info, void* interrupted_context) noexcept {
  thread_state& thread = current_thread();
  thread.info = info;
  handler_fence();  // info is whole before deferred says so
  thread.deferred.store(process_generation());
  block_maskable_in(interrupted_context);
}

bool take_deferred(signal_set mask_before) noexcept {
  thread_state& thread = current_thread();
  const std::uint32_t generation = thread.deferred.load();
  // A foreign handler's guard may have done this work already, or a fork copied a deferral that is
  // the parent's to dispatch (rule 9).
  if (generation == 0) return false;
  if (generation != process_generation()) {
    thread.deferred.store(0);
    return false;
  }
  siginfo_t info = thread.info;
  handler_fence();  // info is read before the next deferral may overwrite it
  thread.deferred.store(0);
  const auto added = signal_set::from_bits(thread.added.load());
  const bool blocked_by_others = (mask_before - added).contains(info.si_signo);
  if (!blocked_by_others && run_handlers(info.si_signo, info, nullptr) == dispatched::ran)
    return true;
  // When its handlers are gone, whatever disposition is in force gets it once it is unblocked.
  requeue(info);
  return false;
}

void dispatch_deferred() noexcept {
  thread_state& thread = current_thread();
  // Rule 4 again after the handlers: one that changed the mask by itself may have let one more in.
  while (thread.idle() && thread.has_deferred()) {
    const errno_saver saver;
    take_deferred(block_maskable());
    if (!thread.has_deferred()) unblock_added();
  }
}

void release_last_eager() noexcept {
  if (!current_thread().has_deferred())
    unblock_added();
  else
    dispatch_deferred();  // does nothing while something is held: the last release will (rule 5)
}

signal_set hold_subset(signal_set signals) noexcept {
  const signal_set wanted = signals & signal_set::maskable();
  // Block first, take over second: a deferral between the two finds the set blocked and does not
  // add it (rule 6).
  const signal_set before = block(wanted);
  const auto taken = signal_set::from_bits(current_thread().added.clear_bits(wanted.bits()));
  return (wanted - before) | (taken & wanted);
}

void release_subset(signal_set unblocked_before) noexcept {
  thread_state& thread = current_thread();
  if (thread.eager.load() != 0 || thread.has_deferred())
    thread.added.set_bits(unblocked_before.bits());
  else if (!unblocked_before.empty())
    unblock(unblocked_before);
}

}  // namespace sigsafe::detail
