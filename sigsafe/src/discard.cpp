// SIGPIPE and SIGXFSZ that arise in a region, and those that come from elsewhere. The region of a
// thread is as long as one of its guards for the signal lives; it is a subset guard that drops at
// its end.
//
//   discarders  found    a signal that is pending
//   0           any      is not ours
//   > 0         0        has come inside; the last release takes it
//   > 0         process  may be older than the region; in that process it stays. A fork leaves all
//                        that is pending behind
//
// A handler may begin and release a guard between any two instructions here. Where discarders is 0
// it does all by itself, and takes what it has caused; where it is not, it leaves that to us.
#include <sigsafe/discard.hpp>

#include <signal.h>
#include <unistd.h>

#include <cstdint>

#include <sigsafe/detail/protocol.hpp>
#include <sigsafe/detail/relaxed.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/panic.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/requeue.hpp>
#include <sigsafe/src/system/system.hpp>

namespace sigsafe::detail {
namespace {

constexpr signal_set discardable{SIGPIPE, SIGXFSZ};

relaxed<std::uint32_t>& discarders(int signal) noexcept {
  return current_thread().discarders[signal == SIGPIPE ? 0 : 1];
}
relaxed<std::uint32_t>& found(int signal) noexcept {
  return current_thread().found[signal == SIGPIPE ? 0 : 1];
}

// One that a lazy hold has deferred waits, too: its dispatch will give it back to the kernel.
signal_set deferred_signals() noexcept {
  const thread_state& thread = current_thread();
  const std::uint32_t generation = thread.deferred.load();
  if (generation == 0 || generation != process_generation()) return {};
  return {thread.info.si_signo};
}

// What was not blocked before cannot have been pending: but for what comes while it is blocked, and
// that is not of this thread's making.
signal_set pending_before(signal_set signals, signal_set blocked) noexcept {
  signal_set before = deferred_signals() & signals;
  if (!(signals & blocked).empty()) before |= signal_set::pending() & signals & blocked;
  return before;
}

bool is_own(const siginfo_t& info) noexcept {
  return (info.si_code == SI_USER || info.si_code == SI_TKILL) && info.si_pid == getpid();
}

// This thread's comes first, and there is at most one. So when it is foreign there is no other.
void take_what_arose(int signal) noexcept {
  siginfo_t info;
  if (system::take_pending({signal}, info) && !is_own(info)) requeue_to_the_process(info);
}

bool was_pending_before(int signal) noexcept {
  const std::uint32_t process = found(signal).load();
  return process != 0 && process == static_cast<std::uint32_t>(getpid());
}

void end_region(int signal) noexcept {
  const bool stays = was_pending_before(signal);
  handler_fence();
  discarders(signal).store(0);  // first, so that a handler takes from here on what it causes
  handler_fence();
  if (!stays) take_what_arose(signal);
}

}  // namespace

void begin_discarding(signal_set signals, location where) noexcept {
  if (signals.empty() || !discardable.contains(signals))
    panic(
        "a discard_guard is for SIGPIPE and SIGXFSZ, which the thread causes that gets them; hold "
        "other signals off with a subset_guard, or handle them",
        where);
  signal_set first;
  for (const int signal : signals)
    if (discarders(signal).load() == 0) first.insert(signal);
  if (!first.empty()) {
    const signal_set blocked = hold_subset(first);
    const signal_set before = pending_before(first, blocked);
    for (const int signal : first)
      found(signal).store(before.contains(signal) ? static_cast<std::uint32_t>(getpid()) : 0);
    handler_fence();  // found is known before the region begins
  }
  for (const int signal : signals) discarders(signal).increment();
}

void end_discarding(signal_set signals) noexcept {
  signal_set last;
  for (const int signal : signals)
    if (discarders(signal).load() == 1)
      last.insert(signal);
    else
      discarders(signal).decrement();
  for (const int signal : last) end_region(signal);
  if (!last.empty()) release_subset(last);
}

}  // namespace sigsafe::detail
