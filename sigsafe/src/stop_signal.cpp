// The thread of a stop_signal, and what the signals do.
//
//   event                 word       the thread
//   made                  waiting    sleeps, with these signals unblocked
//   first signal          stopping   sleeps, at most until the deadline; then the default action
//   second signal         any        the default action, where the handler runs
//   destroyed             ended      gives back what has been passed on to it, and ends
#include <sigsafe/stop.hpp>

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>

#include <sigsafe/backend/posix.hpp>
#include <sigsafe/detail/deadline.hpp>
#include <sigsafe/detail/futex.hpp>
#include <sigsafe/detail/handler_node.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/handler_options.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/signal_info.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/cancellation.hpp>
#include <sigsafe/src/disposition.hpp>
#include <sigsafe/src/passing.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/refusal.hpp>
#include <sigsafe/src/requeue.hpp>
#include <sigsafe/src/stops.hpp>
#include <sigsafe/src/system/system.hpp>

namespace sigsafe::detail {
namespace {

constexpr std::uint32_t waiting = 0, stopping = 1, ended = 2;

[[noreturn]] void end_process(const siginfo_t& info) noexcept {
  take_default_action(info, continues());
  _exit(128 + info.si_signo);  // it is not killed by that
}

class stop_machine : public stop_state {
 public:
  stop_machine(signal_set signals, const stop_options& wanted, location where);
  stop_machine(const stop_machine&) = delete;
  stop_machine& operator=(const stop_machine&) = delete;

  /// Returns false when its memory must stay, because the thread may need it.
  bool end() noexcept;

 private:
  struct on_signal {
    stop_machine* machine;
    void operator()(const signal_info& info) const noexcept { machine->arrive(info.native()); }
  };

  void arrive(const siginfo_t& info) noexcept;
  void start_thread();
  void end_thread() noexcept;
  void run() noexcept;
  void set_word(std::uint32_t value) noexcept;
  [[noreturn]] void expire() const noexcept;

  signal_set signals_;
  stop_options wanted_;
  std::uint32_t made_in_;
  std::uint32_t word_ = waiting;     // a futex
  std::uint32_t number_ = 0;         // a futex: the kernel's number of the thread, when it is ready
  std::int64_t due_ = longest_time;  // known before the word is stopping
  pthread_t thread_{};
  std::optional<handler<on_signal>> handler_;
};

void require_stoppable(signal_set signals) {
  for (const int signal : catchable(signals)) {
    if (!signal_set::maskable().contains(signal))
      refuse(EINVAL, signal, "a stop_signal is not for faults and SIGABRT; use a crash_handler");
    if ((stops | signal_set{SIGCONT}).contains(signal))
      refuse(EINVAL, signal,
             "a stop_signal ends the program, and this one belongs to job control; use a handler");
  }
}

// A thread that cannot be had is an error of the system, not of the program.
[[noreturn]] void refuse_thread(int error) {
  throw std::system_error(error, std::generic_category(),
                          "sigsafe: a stop_signal needs a thread, and none can be made; raise "
                          "RLIMIT_NPROC (ulimit -u), or the limits of the container (pids.max, "
                          "memory)");
}

// Thread-local data lies on the stack too; a program may have more of it than that.
int create_thread(pthread_t& thread, void* (*function)(void*), void* argument) noexcept {
  constexpr std::size_t small = std::size_t{256} * 1024;
  pthread_attr_t attributes;
  if (const int error = pthread_attr_init(&attributes); error != 0) return error;
  int error = pthread_attr_setstacksize(&attributes, small);
  if (error == 0) error = pthread_create(&thread, &attributes, function, argument);
  pthread_attr_destroy(&attributes);
  return error == EINVAL ? pthread_create(&thread, nullptr, function, argument) : error;
}

stop_machine::stop_machine(signal_set signals, const stop_options& wanted, location where)
    : signals_(signals), wanted_(wanted), made_in_(process_generation()) {
  start_thread();
  try {
    if (const int taken = claim_signals(signals_, number_); taken != 0)
      refuse(EBUSY, taken, "another stop_signal has it; a program stops once: ask that one");
    handler_.emplace(signals_, on_signal{this},
                     handler_options{.at_end = wanted.at_end,
                                     .respect_ignored = wanted.respect_ignored,
                                     .restart = wanted.restart},
                     where);
  } catch (...) {
    end_thread();
    throw;
  }
}

// What was passed on comes before what waits for the process, and that may stay there.
void give_back(int signal) noexcept {
  siginfo_t info;
  bool passed = true;
  while (passed && system::take_pending({signal}, info)) {
    passed = restore_code(info);
    requeue_to_the_process(info);
  }
}

// It is born with everything blocked.
void stop_machine::start_thread() {
  backend::posix::enter();
  const int error = create_thread(
      thread_,
      [](void* machine) -> void* { return static_cast<stop_machine*>(machine)->run(), nullptr; },
      this);
  backend::posix::leave();
  if (error != 0) refuse_thread(error);
  while (__atomic_load_n(&number_, __ATOMIC_ACQUIRE) == 0) futex_wait(&number_, 0);
}

void stop_machine::set_word(std::uint32_t value) noexcept {
  __atomic_store_n(&word_, value, __ATOMIC_RELEASE);
  futex_wake(&word_);
}

// Nobody passes anything on to it any more when it looks at what it has.
void stop_machine::end_thread() noexcept {
  const uncancellable_scope uncancellable;  // pthread_join is a cancellation point
  unclaim_signals(signals_, number_);
  set_word(ended);
  pthread_join(thread_, nullptr);
}

// In exit the thread may be in a handler that never comes out, or be the one that exits.
bool stop_machine::end() noexcept {
  const bool is_here = made_in_ == process_generation();
  handler_.reset();
  if (!is_here) return true;
  if (system::find_exit(nullptr).frame == nullptr) return (end_thread(), true);
  unclaim_signals(signals_, number_);
  pthread_detach(thread_);
  set_word(ended);
  return false;
}

void stop_machine::arrive(const siginfo_t& info) noexcept {
  int none = 0;
  if (!__atomic_compare_exchange_n(&first, &none, info.si_signo, false, __ATOMIC_ACQ_REL,
                                   __ATOMIC_RELAXED))
    end_process(info);
  if (wanted_.deadline.is_bounded())
    due_ = saturating_sum(monotonic_now(), wanted_.deadline.nanoseconds());
  wanted_.event.set();
  set_word(stopping);
}

void stop_machine::run() noexcept {
  system::change_mask(SIG_SETMASK, signal_set::maskable() - signals_);
  __atomic_store_n(&number_, static_cast<std::uint32_t>(system::own_thread()), __ATOMIC_RELEASE);
  futex_wake(&number_);
  std::uint32_t word = waiting;
  while ((word = __atomic_load_n(&word_, __ATOMIC_ACQUIRE)) != ended)
    if (word == waiting || due_ == longest_time)
      futex_wait(&word_, word);
    else if (!futex_wait_until(&word_, word, due_))
      expire();
  system::change_mask(SIG_SETMASK, signal_set::maskable());
  for (const int signal : signals_) give_back(signal);
}

void stop_machine::expire() const noexcept {
  siginfo_t info{};
  info.si_signo = first;
  info.si_code = SI_TKILL;
  info.si_pid = getpid();
  info.si_uid = getuid();
  end_process(info);
}

}  // namespace
}  // namespace sigsafe::detail

namespace sigsafe {

detail::stop_state* stop_signal::begin(signal_set signals, const stop_options& options,
                                       location where) {
  detail::require_stoppable(signals);
  detail::ensure_page();
  return std::make_unique<detail::stop_machine>(signals, options, where).release();
}

void stop_signal::end(detail::stop_state* state) noexcept {
  auto* const machine = static_cast<detail::stop_machine*>(state);
  if (machine->end()) delete machine;
}

}  // namespace sigsafe
