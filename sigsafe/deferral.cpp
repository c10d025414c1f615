// The lazy protocol: everything that is not a load, a store and a branch in backend/lazy.hpp.
// docs/explanation/lazy-masking.md numbers its rules; the numbers stand at the lines that keep
// them.
#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <system_error>

#include <sigsafe/detail/registry.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/detail/wait.hpp>
#include <sigsafe/panic.hpp>
#include <sigsafe/subset_guard.hpp>

// The state starts as zeros. It is defined here by hand because clang cannot give a variable the
// binding that shared objects with a copy each need in order to share one: gnu_unique_object.
static_assert(sizeof(sigsafe::detail::thread_state) <= 192);
static_assert(alignof(sigsafe::detail::thread_state) <= 64);
asm(R"(
  .pushsection .tbss.sigsafe_abi1_this_thread, "awT", @nobits
  .globl sigsafe_abi1_this_thread
  .type sigsafe_abi1_this_thread, @gnu_unique_object
  .size sigsafe_abi1_this_thread, 192
  .balign 64
sigsafe_abi1_this_thread:
  .zero 192
  .popsection
)");

namespace sigsafe::detail {
namespace {

class errno_keeper {
 public:
  errno_keeper() noexcept = default;
  ~errno_keeper() { errno = kept_; }
  errno_keeper(const errno_keeper&) = delete;
  errno_keeper& operator=(const errno_keeper&) = delete;

 private:
  int kept_ = errno;
};

#if defined(__SANITIZE_THREAD__)
#define SIGSAFE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SIGSAFE_TSAN 1
#endif
#endif

// The kernel's own call: pthread_sigmask goes through masks of 128 bytes, of which the kernel knows
// 8, in order to filter out the C library's signals, which no set of ours contains. Only
// ThreadSanitizer must see pthread_sigmask: it keeps signals back until a call that it intercepts.
void change_mask(int how, signal_set signals, std::uint64_t* before) noexcept {
#if defined(SIGSAFE_TSAN)
  const sigset_t change = signals.native();
  sigset_t old;
  const bool failed = pthread_sigmask(how, &change, &old) != 0;
  if (before != nullptr) *before = signal_set{old}.bits();
#else
  const std::uint64_t bits = signals.bits();
  const bool failed = syscall(SYS_rt_sigprocmask, how, &bits, before, sizeof(bits)) != 0;
#endif
  if (failed) [[unlikely]]
    panic("rt_sigprocmask failed, which it does not do for valid arguments", {nullptr, 0});
}

signal_set block(signal_set signals) noexcept {
  std::uint64_t before;
  change_mask(SIG_BLOCK, signals, &before);
  return signal_set::from_bits(before);
}

void unblock(signal_set signals) noexcept { change_mask(SIG_UNBLOCK, signals, nullptr); }

// Taking out what was added, instead of setting an old mask back, makes the order of ends
// indifferent (rule 7). Taken to a local first: a handler that runs within SIG_UNBLOCK may add.
// Until then the mask is closed, so nothing comes between the load and the store but a fault, whose
// handlers leave added as they found it.
void open_mask() noexcept {
  auto& added = current_thread().added;
  const auto local = signal_set::from_bits(added.load());
  added.store(0);
  handler_fence();
  if (!local.empty()) unblock(local);
}

// The mask that the interrupted context gets back when the trampoline returns.
class interrupted_mask {
 public:
  explicit interrupted_mask(void* context) noexcept
      : mask_(reinterpret_cast<unsigned char*>(&static_cast<ucontext_t*>(context)->uc_sigmask)) {}

  // The kernel's frame has room for its own 8 bytes of mask, not for a whole sigset_t: what lies
  // behind them is the floating-point state or the siginfo.
  void close() noexcept {
    std::uint64_t bits;
    static_assert(sizeof(bits) == (_NSIG - 1) / 8, "the kernel's mask has 64 signals");
    std::memcpy(&bits, mask_, sizeof(bits));
    const std::uint64_t missing = signal_set::maskable().bits() & ~bits;
    bits |= missing;
    std::memcpy(mask_, &bits, sizeof(bits));
    current_thread().added.set_bits(missing);
  }

 private:
  unsigned char* mask_;
};

// Rules 3 and 4: while user handlers run everything is blocked, so an eager guard inside is free.
class running_hard {
 public:
  running_hard() noexcept {
    current_thread().hard.increment();
    handler_fence();
  }
  running_hard(const running_hard&) = delete;
  running_hard& operator=(const running_hard&) = delete;
  ~running_hard() {
    handler_fence();
    current_thread().hard.decrement();
    handler_fence();
  }
};

void run_now(int signal, siginfo_t& info, void* context) noexcept {
  const running_hard hard;
  if (run_handlers(signal, info, context) == dispatch::nobody) run_previous(signal, info, context);
}

// The middle of rule 4, with the mask closed. Returns true when a handler ran.
bool take_deferred(signal_set closed_before) noexcept {
  thread_state& thread = current_thread();
  const std::uint32_t stamp = thread.deferred.load();
  // A foreign handler's guard may have done this work already, or a fork copied a deferral that is
  // the parent's to dispatch (rule 9).
  if (stamp == 0) return false;
  if (stamp != process_stamp()) {
    thread.deferred.store(0);
    return false;
  }
  siginfo_t info = thread.info;
  handler_fence();  // info is read before the next deferral may overwrite it
  thread.deferred.store(0);
  const auto added = signal_set::from_bits(thread.added.load());
  const bool blocked_by_others = (closed_before - added).contains(info.si_signo);
  if (!blocked_by_others) {
    const running_hard hard;
    if (run_handlers(info.si_signo, info, nullptr) == dispatch::ran) return true;
    // Its handlers are gone: whatever disposition is in force now gets it, when the mask opens.
  }
  requeue(info);
  return false;
}

}  // namespace

signal_set close_mask() noexcept {
  const signal_set before = block(signal_set::maskable());
  // A union, never an assignment: an earlier deferral's share is in there (rule 5). The mask is
  // closed by now; see open_mask.
  auto& added = current_thread().added;
  added.store(added.load() | (signal_set::maskable() - before).bits());
  handler_fence();
  return before;
}

void dispatch_deferred() noexcept {
  thread_state& thread = current_thread();
  // Rule 4 again after the handlers: one that opened the mask by itself may have let one more in.
  while (thread.idle() && thread.has_deferred()) {
    const errno_keeper keep_errno;
    const signal_set before = close_mask();
    take_deferred(before);
    if (!thread.has_deferred()) open_mask();
  }
}

void end_of_eager() noexcept {
  thread_state& thread = current_thread();
  if (!thread.has_deferred())
    open_mask();
  else
    dispatch_deferred();  // does nothing while something is held: its end will (rule 5)
}

signal_set begin_subset(signal_set signals) noexcept {
  const signal_set wanted = signals & signal_set::maskable();
  // Block first, take over second: a deferral between the two finds the set blocked and does not
  // add it (rule 6).
  const signal_set before = block(wanted);
  const auto taken = signal_set::from_bits(current_thread().added.clear_bits(wanted.bits()));
  return (wanted - before) | (taken & wanted);
}

void end_subset(signal_set mine) noexcept {
  thread_state& thread = current_thread();
  if (thread.hard.load() != 0 || thread.has_deferred())
    thread.added.set_bits(mine.bits());
  else if (!mine.empty())
    unblock(mine);
}

void require_outermost(location where) noexcept {
  thread_state& thread = current_thread();
  if (thread.running.load() != nullptr)
    panic("wait inside a handler would never wake; set a flag and wait outside", where);
  if (thread.depth.load() + thread.count.load() != 1)
    panic(
        "wait in a nested guard would enable what the outer one disabled; end the other guards, "
        "locks and borrows of this thread first",
        where);
}

wake sleep_open(pollfd* fds, nfds_t size, const timespec* timeout, int& error) noexcept {
  const errno_keeper keep_errno;
  thread_state& thread = current_thread();
  const signal_set before = close_mask();

  const unsigned depth = thread.depth.load();
  const unsigned count = thread.count.load();
  const unsigned hard = thread.hard.load();
  const auto hold = [&](unsigned new_depth, unsigned new_count, unsigned new_hard) {
    handler_fence();
    thread.depth.store(new_depth);
    thread.count.store(new_count);
    thread.hard.store(new_hard);
    handler_fence();
  };

  // Rule 10. Hard goes to 0 too: a foreign handler that runs in the sleep and uses an eager guard
  // must find it outermost.
  hold(0, 0, 0);
  wake woken = wake::handler;
  if (!take_deferred(before)) {
    // added moves to a local, or that eager guard would take out what the end of this sleep closes
    // again, and nobody would open it.
    const std::uint64_t added = thread.added.exchange(0);
    const sigset_t open =
        ((before | signal_set::maskable()) - signal_set::from_bits(added)).native();
    handler_fence();
    const int ready = ::ppoll(fds, size, timeout, &open);
    const int reason = errno;
    // With a descriptor ready the kernel returns without delivering what is pending, and an eager
    // guard never opens between two polls: without this, such a loop starves its signals.
    constexpr timespec at_once{0, 0};
    if (ready > 0 && hard != 0) ::ppoll(nullptr, 0, &at_once, &open);
    if (ready >= 0)
      woken = ready > 0 ? wake::ready : wake::timeout;
    else if (reason != EINTR)
      error = reason;
    handler_fence();
    thread.added.set_bits(added);
  }
  hold(depth, count, hard);
  // The condition is hard and not the kind of guard that sleeps: an eager owner further out must
  // not be opened.
  if (hard == 0) open_mask();
  return woken;
}

void throw_poll_error(int error) {
  throw std::system_error(error, std::generic_category(),
                          "sigsafe: ppoll refused the descriptors given to guard.poll");
}

extern "C" void sigsafe_abi1_trampoline(int signal, siginfo_t* info, void* context) {
  const errno_keeper keep_errno;
  thread_state& thread = current_thread();
  if (!signal_set::maskable().contains(signal)) {  // rule 3: a fault cannot wait
    run_now(signal, *info, context);
    return;
  }
  if (thread.has_deferred()) {
    // Rule 2: somebody opened the mask after a deferral. The first one is never overwritten; this
    // one goes back to the kernel, behind the mask that is closed again.
    requeue(*info);
    interrupted_mask{context}.close();
  } else if (thread.held()) {
    thread.info = *info;
    handler_fence();  // info is whole before deferred says so
    thread.deferred.store(process_stamp());
    interrupted_mask{context}.close();
  } else {
    run_now(signal, *info, context);
    dispatch_deferred();
  }
}

}  // namespace sigsafe::detail
