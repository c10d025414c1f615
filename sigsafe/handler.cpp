#include <sigsafe/detail/registry.hpp>

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <limits>
#include <new>
#include <string>
#include <system_error>

#include <sigsafe/backend/posix.hpp>
#include <sigsafe/detail/futex.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/panic.hpp>

namespace sigsafe::detail {

using trampoline_function = void (*)(int, siginfo_t*, void*);

/// What a signal does, in one word, so that handlers read it whole: SIG_DFL, SIG_IGN or the address
/// of a function, with the highest bit, which no address of a program has, when it takes a
/// siginfo_t.
class disposition {
 public:
  constexpr disposition() noexcept = default;
  explicit disposition(const struct sigaction& action) noexcept {
    const bool with_info = (static_cast<unsigned>(action.sa_flags) & SA_SIGINFO) != 0;
    word_ = with_info ? reinterpret_cast<std::uintptr_t>(action.sa_sigaction)
                      : reinterpret_cast<std::uintptr_t>(action.sa_handler);
    if (with_info && !is_default() && !is_ignored()) word_ |= takes_info;
  }

  [[nodiscard]] bool is_default() const noexcept {
    return word_ == reinterpret_cast<std::uintptr_t>(SIG_DFL);
  }
  [[nodiscard]] bool is_ignored() const noexcept {
    return word_ == reinterpret_cast<std::uintptr_t>(SIG_IGN);
  }

  /// Of a function. Each is called as what it is: the kernel passes all three arguments to both,
  /// but control flow integrity does not let a program do so.
  void call(int signal, siginfo_t& info, void* context) const noexcept {
    const auto address = static_cast<std::uintptr_t>(word_ & ~takes_info);
    if ((word_ & takes_info) != 0)
      reinterpret_cast<trampoline_function>(address)(signal, &info, context);
    else
      reinterpret_cast<sighandler_t>(address)(signal);
  }

 private:
  static constexpr std::uint64_t takes_info = std::uint64_t{1} << 63;
  std::uint64_t word_ = 0;
};
static_assert(std::atomic<disposition>::is_always_lock_free, "handlers read it");

/// What a fork wipes: it says which process this is and who is in the table right now.
struct process_page {
  std::atomic<std::uint32_t> stamp;                    // 0 in a child until somebody asks
  raw_mutex<futex_lock, backend::posix> registration;  // whoever changes the table holds it
  std::atomic<std::uint32_t> phase;                    // which of the two counts new readers use
  std::atomic<std::uint32_t> readers[2];
  std::uint32_t departures;  // a futex; grows when a handler has returned whose end waits
};

struct slot {
  std::atomic<handler_node*> newest;
  std::atomic<disposition> previous;       // what stood there before sigsafe
  std::atomic<bool> previous_is_one_shot;  // SA_RESETHAND
  // Only for the registration's holder:
  struct sigaction before;  // `previous` in full
  bool replaced;            // somebody replaced sigsafe's disposition, and may chain to it;
  bool chains;              // `before` is of somebody who did so,
  disposition beneath;      // and this is what it shall find when it chains to sigsafe
};

struct process_registry {
  std::atomic<process_page*> page;
  std::atomic<std::uint32_t> processes;
  std::uint64_t registrations;
  slot slots[65];
};

extern process_registry registry asm("sigsafe_abi1_registry") SIGSAFE_API;
extern trampoline_function const trampoline asm("sigsafe_abi1_trampoline_address") SIGSAFE_API;

}  // namespace sigsafe::detail

// Unique in the process, like the thread state. The object that defines them is never unloaded, and
// the trampoline whose address stands here is that object's own: the kernel's pointer stays good
// when another object that registered handlers is unloaded.
static_assert(sizeof(sigsafe::detail::process_registry) <= 16384);
static_assert(alignof(sigsafe::detail::process_registry) <= 64);
asm(R"(
  .pushsection .bss.sigsafe_abi1_registry, "aw", @nobits
  .globl sigsafe_abi1_registry
  .type sigsafe_abi1_registry, @gnu_unique_object
  .size sigsafe_abi1_registry, 16384
  .balign 64
sigsafe_abi1_registry:
  .zero 16384
  .popsection
  .pushsection .data.rel.ro.sigsafe_abi1_trampoline_address, "aw", @progbits
  .globl sigsafe_abi1_trampoline_address
  .type sigsafe_abi1_trampoline_address, @gnu_unique_object
  .balign 16
sigsafe_abi1_trampoline_address:
  .dc.a sigsafe_abi1_trampoline
  .size sigsafe_abi1_trampoline_address, . - sigsafe_abi1_trampoline_address
  .popsection
)");

namespace sigsafe::detail {
namespace {

constexpr auto unordered = std::memory_order_relaxed;

process_page& page() noexcept { return *registry.page.load(std::memory_order_acquire); }

// A page that reads as zeros after a fork, also after _Fork and clone, which run no atfork handler.
process_page* make_page() {
  void* const memory = mmap(nullptr, sizeof(process_page), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    throw std::system_error(errno, std::generic_category(),
                            "sigsafe: no memory for the page that tells processes apart");
  if (madvise(memory, sizeof(process_page), MADV_WIPEONFORK) != 0) {
    const int error = errno;
    munmap(memory, sizeof(process_page));
    throw std::system_error(
        error, std::generic_category(),
        "sigsafe: the kernel has no MADV_WIPEONFORK; Linux 4.14 or newer is needed");
  }
  return ::new (memory) process_page{};
}

void ensure_page() {
  if (registry.page.load(std::memory_order_acquire) != nullptr) return;
  process_page* const made = make_page();
  process_page* expected = nullptr;
  if (!registry.page.compare_exchange_strong(expected, made, std::memory_order_acq_rel))
    munmap(made, sizeof(process_page));
}

// A walk of the table. Ends of removal wait for the walks that may still see what they took out.
//
// (1) the count goes up before the list is read; (2) the removal's store comes before the counts
// are read. All four are sequentially consistent, so either the walk sees the removal or the
// removal sees the walk. Two counts, so that a stream of new walks cannot keep the removal waiting.
class walk {
 public:
  walk() noexcept : page_(page()), phase_(page_.phase.load(unordered)) {
    page_.readers[phase_].fetch_add(1, std::memory_order_seq_cst);  // (1)
  }
  walk(const walk&) = delete;
  walk& operator=(const walk&) = delete;
  ~walk() { page_.readers[phase_].fetch_sub(1, std::memory_order_release); }

 private:
  process_page& page_;
  std::uint32_t phase_;
};

// Walks are a few instructions long, but their threads may be preempted, by this one too when it
// has a real-time priority: so yield first, then sleep.
void await_zero(const std::atomic<std::uint32_t>& readers) noexcept {
  constexpr timespec moment{0, 50'000};
  for (int i = 0; readers.load(std::memory_order_seq_cst) != 0; ++i) {  // (2)
    if (i < 100)
      sched_yield();
    else
      nanosleep(&moment, nullptr);
  }
}

void await_walks() noexcept {
  process_page& here = page();
  const std::uint32_t old_phase = here.phase.load(unordered);
  await_zero(here.readers[1 - old_phase]);  // those that were late for the last change of phase
  here.phase.store(1 - old_phase, std::memory_order_seq_cst);
  await_zero(here.readers[old_phase]);
}

// Finds the newest handler that is older than `before` and pins it.
handler_node* pin_next(slot& where, std::uint64_t before, std::uint32_t stamp) noexcept {
  const walk walking;
  handler_node* node = where.newest.load(std::memory_order_seq_cst);  // (1)
  while (node != nullptr && node->sequence >= before)
    node = node->older.load(std::memory_order_seq_cst);
  if (node != nullptr) node->inside.pin(stamp);
  return node;
}

void unpin(handler_node& node, std::uint32_t stamp) noexcept {
  if (node.inside.unpin(stamp)) {  // the node may be gone now
    __atomic_fetch_add(&page().departures, 1, __ATOMIC_RELEASE);
    futex_wake(&page().departures);
  }
}

bool is_running_here(const handler_node& node) noexcept {
  for (const running_handler* frame = current_thread().running.load(); frame != nullptr;
       frame = frame->outer)
    if (frame->node == &node) return true;
  return false;
}

bool is_chaining_here(int signal) noexcept {
  for (const running_handler* frame = current_thread().running.load(); frame != nullptr;
       frame = frame->outer)
    if (frame->node == nullptr && frame->signal == signal) return true;
  return false;
}

// Puts a frame onto the thread's list while a handler runs.
class running_scope {
 public:
  running_scope(const handler_node* node, int signal) noexcept
      : frame_{current_thread().running.load(), node, signal} {
    current_thread().running.store(&frame_);
    handler_fence();
  }
  running_scope(const running_scope&) = delete;
  running_scope& operator=(const running_scope&) = delete;
  ~running_scope() {
    handler_fence();
    current_thread().running.store(frame_.outer);
  }

 private:
  running_handler frame_;
};

bool is_trampoline(const struct sigaction& action) noexcept {
  return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == trampoline;
}

// Lets the signal do what it does to a program that knows nothing of it: the disposition is set to
// the default for a moment, and the signal, with its siginfo, sent again and let in.
void take_default_action(const siginfo_t& info) noexcept {
  constexpr signal_set ignored_by_default{SIGCHLD, SIGCONT, SIGURG, SIGWINCH};
  if (ignored_by_default.contains(info.si_signo)) return;
  struct sigaction standard{};
  standard.sa_handler = SIG_DFL;
  struct sigaction found;
  sigaction(info.si_signo, &standard, &found);
  requeue(info);
  const sigset_t only = signal_set{info.si_signo}.native();
  sigset_t before;
  pthread_sigmask(SIG_UNBLOCK, &only, &before);
  // Still here: the process was stopped and continued. Another thread may be at this place too and
  // have found the default; then it leaves the putting back to the one that did not.
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (found.sa_handler != SIG_DFL) sigaction(info.si_signo, &found, nullptr);
}

constexpr int optional_flags = SA_RESTART | SA_ONSTACK;

// For the handlers that stand there now: SA_RESTART if all want it, SA_ONSTACK if one wants it.
struct sigaction wanted_action(const slot& where) noexcept {
  struct sigaction action{};
  action.sa_sigaction = trampoline;
  action.sa_mask = signal_set::maskable().native();  // rule 1
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  for (const handler_node* node = where.newest.load(unordered); node != nullptr;
       node = node->older.load(unordered)) {
    if (!node->wanted.restart) action.sa_flags &= ~SA_RESTART;
    if (node->wanted.alternate_stack) action.sa_flags |= SA_ONSTACK;
  }
  return action;
}

bool same_flags(const struct sigaction& a, const struct sigaction& b) noexcept {
  return ((a.sa_flags ^ b.sa_flags) & optional_flags) == 0;
}

void unlink(slot& where, handler_node& node) noexcept {
  std::atomic<handler_node*>* link = &where.newest;
  while (link->load(unordered) != &node) link = &link->load(unordered)->older;
  link->store(node.older.load(unordered), std::memory_order_seq_cst);  // (2)
  await_walks();
}

[[noreturn]] void refuse(int signal, const char* why) {
  std::string text = "sigsafe: cannot handle signal " + std::to_string(signal);
  if (const auto name = signal_name(signal); !name.empty())
    text.append(" (").append(name).append(")");
  throw std::system_error(EINVAL, std::generic_category(), text.append(": ").append(why));
}

void require_catchable(int signal) {
  if (signal == SIGKILL)
    refuse(signal, "no process can catch it; use SIGTERM for a stop that can be handled");
  if (signal == SIGSTOP)
    refuse(signal, "no process can catch it; use SIGTSTP for a stop that can be handled");
  if (signal < 1 || signal > 64) refuse(signal, "signals have the numbers 1 to 64");
  if (!signal_set::all().contains(signal))
    refuse(signal, "the C library keeps it for itself; use SIGRTMIN to SIGRTMAX");
}

constexpr std::uint64_t end_waits = std::uint64_t{1} << 31;
constexpr std::uint64_t pins = end_waits - 1;

constexpr std::uint32_t stamp_of(std::uint64_t word) noexcept {
  return static_cast<std::uint32_t>(word >> 32);
}

}  // namespace

void pin_count::pin(std::uint32_t stamp) noexcept {
  std::uint64_t word = word_.load(unordered);
  std::uint64_t next;
  do {
    next = stamp_of(word) == stamp ? word + 1 : (std::uint64_t{stamp} << 32) + 1;
  } while (!word_.compare_exchange_weak(word, next, std::memory_order_acquire, unordered));
}

bool pin_count::unpin(std::uint32_t stamp) noexcept {
  std::uint64_t word = word_.load(unordered);
  do {
    if (stamp_of(word) != stamp) return false;  // pinned by the parent, before a fork inside
  } while (!word_.compare_exchange_weak(word, word - 1, std::memory_order_release, unordered));
  return (word & pins) == 1 && (word & end_waits) != 0;
}

bool pin_count::drained(std::uint32_t stamp) noexcept {
  std::uint64_t word = word_.load(std::memory_order_acquire);
  while (stamp_of(word) == stamp && (word & pins) != 0)
    if (word_.compare_exchange_weak(word, word | end_waits, std::memory_order_acquire))
      return false;
  return true;
}

std::uint32_t process_stamp() noexcept {
  std::atomic<std::uint32_t>& stamp = page().stamp;
  std::uint32_t known = stamp.load(unordered);
  if (known != 0) [[likely]]
    return known;
  // A new process. The count of processes is copied by a fork, so a stamp that was found in memory
  // that came from the parent is always smaller than this one.
  const std::uint32_t mine = registry.processes.fetch_add(1, unordered) + 1;
  return stamp.compare_exchange_strong(known, mine, unordered) ? mine : known;
}

void requeue(const siginfo_t& info) noexcept {
  if (syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), info.si_signo, &info) == 0)
    return;
  panic(
      errno == EAGAIN
          ? "a deferred real-time signal cannot be queued again, because the queue of this user is "
            "full; raise RLIMIT_SIGPENDING (ulimit -i)"
          : "a deferred signal cannot be queued again: rt_tgsigqueueinfo failed",
      {nullptr, 0});
}

dispatch run_handlers(int signal, siginfo_t& info, void* context) noexcept {
  // A foreign handler that sigsafe chains to may chain to what it found, which was sigsafe.
  if (is_chaining_here(signal)) return dispatch::ran;
  slot& where = registry.slots[signal];
  const std::uint32_t stamp = process_stamp();
  const signal_info view{info, context};
  bool found = false;
  bool ran = false;
  bool chain = false;
  std::uint64_t before = std::numeric_limits<std::uint64_t>::max();
  while (handler_node* const node = pin_next(where, before, stamp)) {
    found = true;
    before = node->sequence;
    const bool last = node->older.load(unordered) == nullptr;
    if (node->registered_in == stamp || node->wanted.in_child) {
      const running_scope running{node, signal};
      node->invoke(*node, view);
      ran = true;
      chain = chain || node->wanted.chain;
    }
    unpin(*node, stamp);
    if (last) break;
  }
  if (!found) return dispatch::nobody;
  if (!ran)
    take_default_action(info);
  else if (chain)
    run_previous(signal, info, context);
  return dispatch::ran;
}

void run_previous(int signal, siginfo_t& info, void* context) noexcept {
  slot& where = registry.slots[signal];
  const disposition previous = where.previous.load(std::memory_order_acquire);
  if (previous.is_ignored()) return;
  if (previous.is_default()) {
    take_default_action(info);
    return;
  }
  if (where.previous_is_one_shot.load(unordered))
    where.previous.store({}, std::memory_order_release);
  const running_scope running{nullptr, signal};
  previous.call(signal, info, context);
}

void attach(handler_node& node) {
  const int signal = node.signal_number;
  require_catchable(signal);
  ensure_page();
  const std::lock_guard changing{page().registration};
  slot& where = registry.slots[signal];

  struct sigaction current;
  sigaction(signal, nullptr, &current);
  if (!is_trampoline(current)) {
    where.chains = where.replaced || where.newest.load(unordered) != nullptr;
    where.beneath = where.previous.load(unordered);
    where.replaced = false;
    where.before = current;
    where.previous_is_one_shot.store((static_cast<unsigned>(current.sa_flags) & SA_RESETHAND) != 0,
                                     unordered);
    where.previous.store(disposition{current}, std::memory_order_release);
  }
  node.registered_in = process_stamp();
  node.sequence = ++registry.registrations;
  node.older.store(where.newest.load(unordered), unordered);
  // Linked first: a trampoline never finds an empty list on the way in.
  where.newest.store(&node, std::memory_order_seq_cst);

  const struct sigaction wanted = wanted_action(where);
  if (is_trampoline(current) && same_flags(current, wanted)) return;
  if (sigaction(signal, &wanted, nullptr) != 0) {
    const int error = errno;
    unlink(where, node);
    throw std::system_error(error, std::generic_category(), "sigsafe: sigaction failed");
  }
}

void detach(handler_node& node) noexcept {
  const int signal = node.signal_number;
  if (is_running_here(node))
    panic(
        "a handler ended inside itself and would wait for its own return; let it return first: set "
        "a flag in it and end it outside. It was registered here",
        node.registered_at);
  {
    const std::lock_guard changing{page().registration};
    slot& where = registry.slots[signal];
    struct sigaction current;
    sigaction(signal, nullptr, &current);
    const bool only =
        where.newest.load(unordered) == &node && node.older.load(unordered) == nullptr;
    if (only && is_trampoline(current)) {
      // The old disposition first: a signal from now on finds it in the kernel.
      if (where.previous_is_one_shot.load(unordered) && where.previous.load(unordered).is_default())
        where.before.sa_handler = SIG_DFL;
      sigaction(signal, &where.before, nullptr);
      if (where.chains) where.previous.store(where.beneath, std::memory_order_release);
    } else if (only) {
      where.replaced = true;
    }
    unlink(where, node);
    if (!only && is_trampoline(current)) {
      const struct sigaction wanted = wanted_action(where);
      if (!same_flags(current, wanted)) sigaction(signal, &wanted, nullptr);
    }
  }
  const std::uint32_t stamp = process_stamp();
  for (;;) {
    const std::uint32_t seen = __atomic_load_n(&page().departures, __ATOMIC_ACQUIRE);
    if (node.inside.drained(stamp)) return;
    futex_wait(&page().departures, seen);
  }
}

}  // namespace sigsafe::detail
