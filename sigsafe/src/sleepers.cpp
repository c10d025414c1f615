#include <sigsafe/src/sleepers.hpp>

#include <errno.h>

#include <atomic>
#include <cstdint>
#include <new>

#include <sigsafe/detail/relaxed.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/panic.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/backoff.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/system/system.hpp>
#include <sigsafe/src/wake_signal.hpp>

namespace sigsafe::detail {
namespace {

// Thread numbers are smaller: PID_MAX_LIMIT is 2^22.
constexpr std::uint32_t told = std::uint32_t{1} << 31;
constexpr std::uint32_t sent = std::uint32_t{1} << 30;

using place = std::atomic<std::uint32_t>;

sleeper_block& ensure_block(std::atomic<sleeper_block*>& block) {
  sleeper_block* known = block.load(std::memory_order_seq_cst);
  if (known != nullptr) return *known;
  void* const memory = system::map_wiped_by_fork(sizeof(sleeper_block));
  auto* const made = ::new (memory) sleeper_block{};
  if (block.compare_exchange_strong(known, made, std::memory_order_seq_cst)) return *made;
  system::unmap(memory, sizeof(sleeper_block));
  return *known;
}

void raise_used(sleeper_block& block, std::uint32_t least) noexcept {
  std::uint32_t used = block.used.load(std::memory_order_relaxed);
  while (used < least &&
         !block.used.compare_exchange_weak(used, least, std::memory_order_seq_cst)) {}
}

// The place that a thread gets is the first free one, so a handler looks at no more of them than
// threads ever slept at once.
place& take_place(std::uint32_t thread) {
  for (std::atomic<sleeper_block*>* link = &this_process.sleepers;;) {
    sleeper_block& block = ensure_block(*link);
    for (std::uint32_t i = 0; i < sleeper_block::size; ++i) {
      std::uint32_t free = 0;
      if (block.places[i].load(std::memory_order_relaxed) != 0 ||
          !block.places[i].compare_exchange_strong(free, thread, std::memory_order_seq_cst))
        continue;
      raise_used(block, i + 1);
      return block.places[i];
    }
    link = &block.more;
  }
}

std::uint32_t this_thread_id() noexcept {
  thread_state& thread = current_thread();
  const std::uint32_t generation = process_generation();
  if (thread.id_of.load() != generation) {
    thread.id.store(static_cast<std::uint32_t>(system::own_thread()));
    thread.id_of.store(generation);
  }
  return thread.id.load();
}

// Null also in a child that was forked in the function of an open: there the place, like the
// number, is the parent's.
const void* own_place() noexcept {
  const thread_state& thread = current_thread();
  return thread.id_of.load() == process_generation() ? thread.place.load() : nullptr;
}

void tell(place& of) noexcept {
  std::uint32_t thread = of.load(std::memory_order_seq_cst);
  do {
    if (thread == 0 || (thread & told) != 0) return;
  } while (!of.compare_exchange_weak(thread, thread | told, std::memory_order_seq_cst));
  if (system::send_to_thread(thread, wake_signal()) == EAGAIN)
    panic(
        "a thread that sleeps in wait cannot be woken, because the signal queue of this user is "
        "full; raise RLIMIT_SIGPENDING (ulimit -i)",
        {nullptr, 0});
  of.fetch_or(sent, std::memory_order_release);  // the sleeper may go on, and its thread end
}

}  // namespace

sleeper::sleeper() : place_(take_place(this_thread_id())), generation_(process_generation()) {
  current_thread().place.store(&place_);
}

// In a child that was forked meanwhile the place is free, or another thread's. Elsewhere a signal
// that is still to be sent would interrupt a system call of the program, or find that another
// thread has this one's number.
sleeper::~sleeper() {
  current_thread().place.store(nullptr);
  handler_fence();
  if (generation_ != process_generation()) return;
  backoff sender;
  for (std::uint32_t word = place_.load(std::memory_order_relaxed);;) {
    if ((word & (told | sent)) == told) {
      sender.pause();
      word = place_.load(std::memory_order_acquire);  // pairs with the release in tell
    } else if (place_.compare_exchange_weak(word, 0, std::memory_order_acq_rel)) {
      return;
    }
  }
}

std::uint32_t arrivals() noexcept { return this_process.arrivals.load(std::memory_order_seq_cst); }

void announce_arrival(int signal) noexcept {
  this_process.arrivals.fetch_add(1, std::memory_order_seq_cst);
  // A maskable signal reaches a sleeping thread only in its ppoll, and ends that by itself.
  const bool ends_own_sleep = signal_set::maskable().contains(signal);
  const void* const own = ends_own_sleep ? own_place() : nullptr;
  for (sleeper_block* block = this_process.sleepers.load(std::memory_order_seq_cst);
       block != nullptr; block = block->more.load(std::memory_order_seq_cst)) {
    const std::uint32_t used = block->used.load(std::memory_order_seq_cst);
    for (std::uint32_t i = 0; i < used; ++i)
      if (&block->places[i] != own) tell(block->places[i]);
  }
}

}  // namespace sigsafe::detail
