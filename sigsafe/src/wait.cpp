#include <sigsafe/detail/wait.hpp>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

#include <cstdint>
#include <system_error>

#include <sigsafe/detail/protocol.hpp>
#include <sigsafe/detail/relaxed.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/panic.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/errno_saver.hpp>
#include <sigsafe/src/mask.hpp>
#include <sigsafe/src/protocol.hpp>
#include <sigsafe/wake.hpp>

namespace sigsafe::detail {
namespace {

struct holds {
  unsigned depth, count, eager;
};

holds set_holds(holds now) noexcept {
  thread_state& thread = current_thread();
  const holds before{thread.depth.load(), thread.count.load(), thread.eager.load()};
  handler_fence();
  thread.depth.store(now.depth);
  thread.count.store(now.count);
  thread.eager.store(now.eager);
  handler_fence();
  return before;
}

// Sleeps with the program mask: what `before` blocked, less what sigsafe added to it.
wake sleep_blocking(pollfd* fds, nfds_t size, const timespec* timeout, signal_set before,
                    bool eager, int& error) noexcept {
  thread_state& thread = current_thread();
  // added moves to a local, or a foreign handler's eager guard would take out what is blocked again
  // when this sleep returns, and nobody would unblock it (rule 10).
  const std::uint64_t added = thread.added.exchange(0);
  const sigset_t mask = ((before | signal_set::maskable()) - signal_set::from_bits(added)).native();
  handler_fence();
  const int ready = ::ppoll(fds, size, timeout, &mask);
  const int reason = errno;
  // With a descriptor ready the kernel returns without delivering what is pending, and an eager
  // guard unblocks nothing between two polls: without this, such a loop starves its signals.
  constexpr timespec at_once{0, 0};
  if (ready > 0 && eager) ::ppoll(nullptr, 0, &at_once, &mask);
  handler_fence();
  thread.added.set_bits(added);
  if (ready >= 0) return ready > 0 ? wake::ready : wake::timeout;
  if (reason != EINTR) error = reason;
  return wake::handler;
}

}  // namespace

void require_only_hold(location where) noexcept {
  thread_state& thread = current_thread();
  if (thread.running.load() != nullptr)
    panic("wait inside a handler would never wake; set a flag and wait outside", where);
  if (thread.depth.load() + thread.count.load() != 1)
    panic(
        "wait in a nested guard would enable what the outer one disabled; release the other "
        "guards, locks and borrows of this thread first",
        where);
}

wake sleep_unheld(pollfd* fds, nfds_t size, const timespec* timeout, int& error) noexcept {
  const errno_saver saver;
  const signal_set before = block_maskable();
  // Rule 10. eager goes to 0 too: a foreign handler that runs in the sleep and uses an eager guard
  // must find it outermost.
  const holds saved = set_holds({0, 0, 0});
  wake woken = wake::handler;
  if (!take_deferred(before))
    woken = sleep_blocking(fds, size, timeout, before, saved.eager != 0, error);
  set_holds(saved);
  // The condition is eager and not the kind of guard that sleeps: an eager hold further out must
  // stay blocked.
  if (saved.eager == 0) unblock_added();
  return woken;
}

void throw_poll_error(int error) {
  throw std::system_error(error, std::generic_category(),
                          "sigsafe: ppoll refused the descriptors given to guard.poll");
}

}  // namespace sigsafe::detail
