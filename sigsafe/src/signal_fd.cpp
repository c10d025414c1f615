// Rule 17: signals that are blocked for as long as somebody reads them. On its thread a signal_fd
// is a subset guard (rule 11). In the process it is a count for each signal, which is there
// whenever the signal is blocked: so nobody takes that for a wish of the program's.
#include <sigsafe/signal_fd.hpp>

#include <errno.h>
#include <signal.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <system_error>

#include <sigsafe/detail/futex.hpp>
#include <sigsafe/detail/protocol.hpp>
#include <sigsafe/detail/relaxed.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/detail/wait.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/handler_options.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/panic.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/mask.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/signal_fds.hpp>
#include <sigsafe/src/signal_text.hpp>
#include <sigsafe/src/system/system.hpp>
#include <sigsafe/wake_signal.hpp>

namespace sigsafe::detail {
namespace {

[[noreturn]] void refuse_reading(int error, int signal, const char* why) {
  throw std::system_error(
      error, std::generic_category(),
      "sigsafe: a signal_fd cannot have " + text_of_signal(signal) + ": " + why);
}

void require_readable(signal_set signals) {
  if (signals.empty())
    throw std::system_error(EINVAL, std::generic_category(),
                            "sigsafe: a signal_fd for an empty set of signals would read nothing; "
                            "a number that is no signal belongs to no set");
  for (const int signal : signals) {
    if (!signal_set::all().contains(signal))
      refuse_reading(EINVAL, signal, "the C library keeps it for itself; use SIGRTMIN to SIGRTMAX");
    if (!signal_set::maskable().contains(signal))
      refuse_reading(EINVAL, signal,
                     "it cannot be blocked: faults, SIGABRT, SIGKILL and SIGSTOP do not wait");
    if (signal == wake_signal())
      refuse_reading(EINVAL, signal,
                     "sigsafe wakes threads with it; choose another for that with set_wake_signal");
    if (page().claimants[signal].load(std::memory_order_relaxed) != 0)
      refuse_reading(EBUSY, signal,
                     "a stop_signal takes it on a thread of its own; ask that one, or end it");
  }
}

// What is blocked on this thread, and not by sigsafe.
signal_set blocked_by_program() noexcept {
  const signal_set mask = block({});
  return mask - blocked_by_sigsafe(mask) - taken_by_signal_fds(mask);
}

// A thread may have the address of one that has ended, or its number in the kernel.
std::uint32_t number_of_this_thread() noexcept {
  relaxed<std::uint32_t>& number = current_thread().maker;
  if (number.load() == 0)
    number.store(this_process.makers.fetch_add(1, std::memory_order_relaxed) + 1);
  return number.load();
}

void count_taken(signal_set taken) noexcept {
  for (const int signal : taken) signal_fds_of(signal).fetch_add(1, std::memory_order_relaxed);
  handler_fence();  // counted before they are blocked
}

void discount_taken(signal_set taken) noexcept {
  handler_fence();  // unblocked before they are discounted
  for (const int signal : taken) signal_fds_of(signal).fetch_sub(1, std::memory_order_relaxed);
}

// Those that become unblocked on this thread: nothing else here names them, and it is sigsafe that
// has blocked them, not who started the thread.
signal_set left_over(signal_set taken) noexcept {
  const signal_set ours = taken & blocked_by_sigsafe(block({}));
  signal_set left;
  for (const int signal : ours)
    if (current_thread().namers[signal - 1].load() == 1) left.insert(signal);
  return left;
}

// Behind its last handler a signal is ignored. Without the memory for one, what is pending is
// dropped nevertheless.
void ignore(signal_set signals) noexcept {
  if (signals.empty()) return;
  try {
    const handler ignoring{signals, []() noexcept {}, {.at_end = at_end::ignore}};
  } catch (const std::exception&) {
    siginfo_t dropped;
    while (system::take_pending(signals, dropped)) {}
  }
}

}  // namespace

signal_fd_state open_signal_fd(signal_set signals, at_end end, location where) {
  if (current_thread().running.load() != nullptr)
    panic("a signal_fd in a handler would change the mask of what it interrupted; make it outside",
          where);
  ensure_page();
  require_readable(signals);
  int descriptor = -1;
  if (const int error = system::make_signal_descriptor(signals, descriptor); error != 0)
    throw std::system_error(error, std::generic_category(),
                            "sigsafe: no descriptor for a signal_fd; close some, or raise "
                            "RLIMIT_NOFILE (ulimit -n)");
  const signal_set taken = signals - blocked_by_program();
  count_taken(taken);
  static_cast<void>(hold_subset(signals));
  for (const int signal : signals) readers_of(signal).fetch_add(1, std::memory_order_relaxed);
  return {signals, taken, descriptor, number_of_this_thread(), end};
}

// Counts and masks of another thread, and those of code that a handler has interrupted, are not
// touched. What stays blocked there stays counted.
void close_signal_fd(const signal_fd_state& state) noexcept {
  const thread_state& thread = current_thread();
  system::close_descriptor(state.descriptor);
  for (const int signal : state.signals) readers_of(signal).fetch_sub(1, std::memory_order_relaxed);
  if (thread.maker.load() != state.maker || thread.running.load() != nullptr) return;
  if (state.end == at_end::ignore) ignore(left_over(state.taken));
  release_subset(state.signals);
  discount_taken(state.taken);
}

std::size_t read_signal_fd(const signal_fd_state& state, siginfo_t* infos, std::size_t most) {
  static_assert(signal_fd_batch == system::most_signals_read);
  if (const int error = system::read_signals(state.descriptor, infos, most); error != 0)
    throw std::system_error(error, std::generic_category(),
                            "sigsafe: the descriptor of a signal_fd cannot be read; other code "
                            "must not close it");
  return most;
}

bool wait_for_signal_fd(const signal_fd_state& state, siginfo_t& info, std::int64_t deadline,
                        location where) {
  require_no_hold(where);
  for (;;) {
    const std::int64_t now = monotonic_now();
    const std::int64_t left = deadline > now ? deadline - now : 0;
    if (system::take_pending(state.signals, info, left)) return true;
    if (left == 0) return false;
  }
}

}  // namespace sigsafe::detail
