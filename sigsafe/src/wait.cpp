#include <sigsafe/detail/wait.hpp>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include <cstdint>
#include <system_error>

#include <sigsafe/detail/futex.hpp>
#include <sigsafe/detail/relaxed.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/panic.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/closing.hpp>
#include <sigsafe/src/errno_saver.hpp>
#include <sigsafe/src/mask.hpp>
#include <sigsafe/src/pending.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/protocol.hpp>
#include <sigsafe/src/sleepers.hpp>
#include <sigsafe/src/system/system.hpp>
#include <sigsafe/src/undeferrable.hpp>
#include <sigsafe/src/wake_signal.hpp>
#include <sigsafe/wake.hpp>

// Rule 12. Every scope here puts its part back also when a cancelled thread unwinds through it.
namespace sigsafe::detail {
namespace {

/// Everything maskable is blocked while it lives, also what is not deferrable: a signal that does
/// not end the sleep is known by having it interrupted, see poll_on.
class closed_scope {
 public:
  closed_scope() noexcept : before_(close_mask(signal_set::maskable())) {}
  closed_scope(const closed_scope&) = delete;
  closed_scope& operator=(const closed_scope&) = delete;
  // The condition is eager and not the kind of guard that sleeps: an eager hold stays blocked. What
  // is deferred by now is left, blocked, to the release that dispatches it.
  ~closed_scope() {
    thread_state& thread = current_thread();
    if (thread.eager.load() == 1 && !thread.has_deferred()) {
      open_mask();
    } else {
      const signal_set share = take_added(undeferrable() - before_);
      thread.eager.decrement();
      if (!share.empty()) unblock(share);
    }
  }

  [[nodiscard]] signal_set before() const noexcept { return before_; }

 private:
  signal_set before_;
};

/// The thread holds nothing while it lives: handlers that run in the sleep find it so, and the
/// guard of a foreign one is the outermost. added moves to a local, or such a guard would take out
/// what is blocked again when the sleep returns. aside tells what that was: what is blocked outside
/// the sleep is still no wish of the program's, which the function of an open may ask for. When the
/// thread is cancelled in its sleep, which unwinds with the mask of the sleep, everything is
/// blocked again first.
class unheld_scope {
 public:
  unheld_scope() noexcept {
    thread_state& thread = current_thread();
    aside_ = thread.aside.load();
    thread.aside.store(aside_ | thread.added.load());
    share_ = take_added(signal_set::from_bits(~thread.named.load()));
    held_ = thread.held.load();
    thread.held.store(0);
    handler_fence();
    eager_ = thread.eager.load();
    thread.eager.store(0);
    handler_fence();
  }
  unheld_scope(const unheld_scope&) = delete;
  unheld_scope& operator=(const unheld_scope&) = delete;
  ~unheld_scope() {
    if (!has_woken_) block(signal_set::maskable());
    thread_state& thread = current_thread();
    handler_fence();
    thread.eager.store(eager_);
    handler_fence();
    thread.added.set_bits(share_.bits());
    handler_fence();
    thread.aside.store(aside_);
    thread.held.store(held_);
    handler_fence();
  }

  /// Nothing is closed any more: what is blocked now the program blocks.
  void opens() noexcept { current_thread().aside.store(aside_); }
  /// The sleep came back.
  void woken() noexcept { has_woken_ = true; }

  /// What the program itself, and subset guards, have not blocked.
  [[nodiscard]] signal_set share() const noexcept { return share_; }
  [[nodiscard]] bool is_eager() const noexcept { return eager_ > 1; }  // one is closed_scope's

 private:
  std::uint64_t aside_;
  signal_set share_;
  std::uint32_t held_;
  std::uint32_t eager_;
  bool has_woken_ = false;
};

signal_set mask_of_sleep(const closed_scope& closed, const unheld_scope& unheld) noexcept {
  return (closed.before() | signal_set::maskable()) - unheld.share() - signal_set{wake_signal()};
}

struct request {
  pollfd* fds;
  nfds_t size;
  std::int64_t nanoseconds;
  signal_set waits{};  // for the next sleep
};

/// What is left of the time of a sleep that goes on. The clock is asked only where that may happen.
class time_left {
 public:
  explicit time_left(std::int64_t nanoseconds) noexcept
      : nanoseconds_(nanoseconds),
        start_(nanoseconds > 0 && !undeferrable().empty() ? monotonic_now() : unknown) {}

  [[nodiscard]] bool is_known() const noexcept { return nanoseconds_ <= 0 || start_ != unknown; }
  [[nodiscard]] std::int64_t now() const noexcept {
    if (nanoseconds_ <= 0) return nanoseconds_;
    const std::int64_t passed = monotonic_now() - start_;
    return passed < nanoseconds_ ? nanoseconds_ - passed : 0;
  }

 private:
  static constexpr std::int64_t unknown = -1;
  std::int64_t nanoseconds_;
  std::int64_t start_;
};

// Sleeps until something ends it: not a signal that is not deferrable. Such a one has interrupted
// the sleep, and nothing else has, when it finds itself blocked in the mask that its return
// restores: then it came through the mask of the sleep. What came in the sleep before it would have
// blocked it; what comes behind it is blocked until the next one.
int poll_on(const request& wanted, signal_set blocked) {
  relaxed<std::uint32_t>& goes_on = current_thread().sleep_goes_on;
  const time_left left{wanted.nanoseconds};
  std::int64_t nanoseconds = wanted.nanoseconds;
  for (;;) {
    goes_on.store(0);
    handler_fence();
    const int ready = system::poll(wanted.fds, wanted.size, nanoseconds, blocked);
    handler_fence();
    if (ready >= 0 || errno != EINTR || goes_on.load() == 0 || !left.is_known()) return ready;
    nanoseconds = left.now();
  }
}

poll_result sleep_once(const request& wanted, const closed_scope& closed, int& error) {
  unheld_scope unheld;
  const signal_set blocked = mask_of_sleep(closed, unheld) | wanted.waits;
  const int ready = poll_on(wanted, blocked);
  const int reason = errno;
  // With a descriptor ready the kernel returns without delivering what is pending, and an eager
  // guard unblocks nothing between two polls: without this, such a loop starves its signals.
  if (ready > 0 && unheld.is_eager()) system::poll(nullptr, 0, 0, blocked);
  unheld.woken();
  if (ready >= 0) return {ready > 0 ? wake::ready : wake::timeout, ready};
  if (reason != EINTR) error = reason;
  return wake::handler;
}

bool run_deferred() noexcept {
  thread_state& thread = current_thread();
  const std::uint32_t held = thread.held.load();
  thread.held.store(0);
  handler_fence();
  const bool ran = take_deferred();
  handler_fence();
  thread.held.store(held);
  return ran;
}

// A handler has run, on this thread or another, since this thread's last sleep.
bool is_news() noexcept { return arrivals() != current_thread().seen.load(); }

poll_result sleep_registered(request wanted, const closed_scope& closed, int& error) {
  const sleeper registered;
  if (current_thread().has_deferred() && run_deferred()) return wake::handler;
  signal_set ran;
  if (current_thread().eager.load() > 1) ran = run_one_that_is_pending();  // one is closed_scope's
  const bool news = is_news();
  // Descriptors, and what else is pending for this thread, have their turn nevertheless.
  if (news) {
    wanted.nanoseconds = 0;
    wanted.waits = ran;
  }
  const poll_result woken = sleep_once(wanted, closed, error);
  return news && woken == wake::timeout ? poll_result{wake::handler} : woken;
}

struct blocking_call {
  void (*function)(void*, const sigset_t*);
  void* argument;
  bool enables;
};

bool call_registered(const blocking_call& wanted, const closed_scope& closed) {
  const sleeper registered;
  if (current_thread().has_deferred() && run_deferred()) return false;
  unheld_scope unheld;
  const signal_set blocked = mask_of_sleep(closed, unheld);
  bool calls = !is_news();
  if (!calls || unheld.is_eager()) {
    // What is pending has its turn first: a call that finds a descriptor ready delivers nothing.
    system::poll(nullptr, 0, 0, blocked);
    calls = !is_news();
  }
  if (calls && wanted.enables) {
    unheld.opens();
    system::change_mask(SIG_SETMASK, blocked);
    calls = !is_news();
  }
  if (calls) {
    const sigset_t mask = blocked.native();
    wanted.function(wanted.argument, &mask);
  }
  const errno_saver saver;
  if (wanted.enables) block(signal_set::maskable());
  unheld.woken();
  return calls;
}

void require_no_handler(location where) noexcept {
  if (current_thread().running.load() != nullptr)
    panic("wait inside a handler would never wake; set a flag and wait outside", where);
}

}  // namespace

void require_only_hold(location where) noexcept {
  require_no_handler(where);
  if (current_thread().held.load() == 0)
    panic(
        "wait without a guard could miss a signal that comes just before it; take a guard, look "
        "whether there is something to do, and wait in it",
        where);
  if (current_thread().held.load() != 1)
    panic(
        "wait in a nested guard would enable what the outer one disabled; release the other "
        "guards, locks and borrows of this thread first",
        where);
}

void require_no_hold(location where) noexcept {
  require_no_handler(where);
  if (current_thread().held.load() != 0)
    panic(
        "waiting with a hold would hold off the handlers that are waited for; release the guards, "
        "locks and borrows of this thread first",
        where);
}

poll_result sleep_unheld(pollfd* fds, nfds_t size, std::int64_t nanoseconds, int& error) {
  ensure_page();
  ensure_wake_signal();
  const errno_saver saver;
  thread_state& thread = current_thread();
  // Left behind by a jump out of a foreign handler: nobody else will dispatch (rule 5).
  thread.resumed.store(0);
  const closed_scope closed;
  poll_result woken = sleep_registered({fds, size, nanoseconds}, closed, error);
  while (thread.has_deferred())  // in the sleep, by the guard of a foreign handler
    if (run_deferred()) woken = wake::handler;
  // What was deferred before has ended the sleep without a ppoll.
  if (woken.reason == wake::handler) pthread_testcancel();
  // A caller that reads descriptors first, or is told of an error, is told of the handlers by its
  // next poll.
  if (woken.reason != wake::ready && error == 0) thread.seen.store(arrivals());
  return woken;
}

bool call_unheld(void (*call)(void*, const sigset_t*), void* function, bool enables) {
  ensure_page();
  ensure_wake_signal();
  thread_state& thread = current_thread();
  thread.resumed.store(0);
  const closed_scope closed;
  const bool called = call_registered({call, function, enables}, closed);
  const errno_saver saver;  // as the call left it
  while (thread.has_deferred()) run_deferred();
  if (!called) pthread_testcancel();
  // A handler that ran in the call, or behind it, is told of by the next one.
  if (!called) thread.seen.store(arrivals());
  return called;
}

void throw_poll_error(int error) {
  throw std::system_error(error, std::generic_category(),
                          "sigsafe: ppoll refused the descriptors given to guard.poll");
}

}  // namespace sigsafe::detail
