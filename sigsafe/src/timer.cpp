// Timers: what the kernel makes of them, and what a signal means that may be older than the last
// start.
//
// A timer has one signal in the kernel's queue at most, and a thread may have deferred another one.
// So a signal only says "look": an interval_timer reads its clock and tells the function of the
// intervals that it does not know of, a deadline_timer asks the kernel whether it has gone off.
// What is left of an earlier start finds nothing to tell.
#include <sigsafe/detail/timer_base.hpp>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <cstdint>
#include <new>
#include <string>
#include <system_error>

#include <sigsafe/detail/deadline.hpp>
#include <sigsafe/detail/handler_node.hpp>
#include <sigsafe/handler_options.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/raw_lock.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/disposition.hpp>
#include <sigsafe/src/masked_lock.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/refusal.hpp>
#include <sigsafe/src/signal_text.hpp>
#include <sigsafe/src/system/system.hpp>
#include <sigsafe/timer_options.hpp>

namespace sigsafe {

int timer_signal() noexcept { return SIGRTMAX - 4; }

}  // namespace sigsafe

namespace sigsafe::detail {
namespace {

[[noreturn]] void fail(int error, const std::string& text) {
  throw std::system_error(error, std::generic_category(), "sigsafe: " + text);
}

[[noreturn]] void fail_to_make(int error, const timer_options& wanted) {
  if (error == EAGAIN)
    fail(
        error,
        "there is no room for a timer: what is queued for this user, signals and timers of all its "
        "processes, has reached RLIMIT_SIGPENDING; raise it (ulimit -i), or see who fills it");
  if (wanted.thread != thread_id{})
    fail(error, "a timer's .thread, " + std::to_string(wanted.thread.native()) +
                    ", is no thread of this process");
  fail(error, "the kernel has no such timer; does it know the clock?");
}

// Of its own accord a timer takes no signal that the program uses.
void require_free(int signal) {
  struct sigaction found;
  sigaction(signal, nullptr, &found);
  if (!disposition{found}.is_default() && !disposition{found}.is_ignored() && !is_trampoline(found))
    fail(EBUSY, "timers use " + text_of_signal(signal) +
                    ", and the program has a handler for it; choose another with .signal");
}

int signal_of(const timer_options& wanted) noexcept {
  return wanted.signal != 0 ? wanted.signal : timer_signal();
}

// What is set cannot be divided into intervals.
timer_options measured(const timer_options& wanted) {
  if (wanted.clock == timer_clock::realtime)
    fail(EINVAL,
         "an interval_timer cannot follow timer_clock::realtime, which is set; use monotonic, or a "
         "deadline_timer that is started again");
  return wanted;
}

int native_clock(timer_clock clock) noexcept {
  clockid_t id = CLOCK_MONOTONIC;
  switch (clock) {
    case timer_clock::boottime: return system::clock_with_suspension();
    case timer_clock::monotonic: return CLOCK_MONOTONIC;
    case timer_clock::process_cpu: return CLOCK_PROCESS_CPUTIME_ID;
    case timer_clock::realtime: return CLOCK_REALTIME;
    case timer_clock::thread_cpu: pthread_getcpuclockid(pthread_self(), &id); return id;
  }
  return CLOCK_MONOTONIC;
}

}  // namespace

kernel_timer::kernel_timer(timer_base& owner, const timer_options& options)
    : owner_(&owner), wanted_(options) {
  ensure_page();
  if (options.signal == 0) require_free(timer_signal());
  catchable(signal_of(options));  // before the kernel says less about it
  if (signal_set::faults().contains(options.signal))
    refuse(EINVAL, options.signal,
           "a timer cannot use it, because nothing holds off a fault; choose a real-time one, "
           "SIGRTMIN to SIGRTMAX");
  if (const int error = make(); error != 0) fail_to_make(error, options);
}

// The number of a timer of a parent may be that of a timer of this process.
kernel_timer::~kernel_timer() {
  if (is_here()) system::remove_timer(timer_);
}

int kernel_timer::make() noexcept {
  clock_ = native_clock(wanted_.clock);
  const int error =
      system::make_timer(clock_, signal_of(wanted_), wanted_.thread.native(), owner_, timer_);
  if (error == 0) made_in_ = process_generation();
  return error;
}

bool kernel_timer::is_here() const noexcept { return made_in_ == process_generation(); }

int kernel_timer::make_here() noexcept {
  if (is_here()) return 0;
  wanted_.thread = {};  // the thread has not been forked
  return make();
}

timer_base::timer_base(kind of, call_function call, const timer_options& options, location where)
    : call_(call),
      kernel_(*this, of == kind::repeated ? measured(options) : options),
      handler_(signal_of(options), on_signal{this},
               {.at_end = at_end::ignore, .restart = options.restart}, where) {}

void timer_base::start_in(std::int64_t nanoseconds, std::int64_t interval) {
  start_at(saturating_sum(system::time_of(clock()), nanoseconds), interval);
}

void timer_base::start_at(std::int64_t first, std::int64_t interval) {
  if (!kernel_.is_here()) {
    new (&lock_) futex_lock;  // a thread of the parent may have held it
    running_ = false;
    if (const int error = kernel_.make_here(); error != 0) fail_to_make(error, {});
  }
  const masked_lock held{lock_};
  running_ = true;
  first_ = first > 0 ? first : 1;  // 0 would stop it
  interval_ = interval;
  told_ = 0;
  system::set_timer(kernel_.native(), first_, interval_);
}

void timer_base::stop_now() noexcept {
  if (!kernel_.is_here()) return;
  const masked_lock held{lock_};
  running_ = false;
  system::set_timer(kernel_.native(), 0, 0);
}

std::int64_t timer_base::nanoseconds_left() const noexcept {
  return kernel_.is_here() ? system::remaining(kernel_.native()) : 0;
}

bool timer_base::runs() const noexcept {
  if (!kernel_.is_here()) return false;
  const masked_lock held{lock_};
  return running_;
}

std::uint64_t timer_base::take_elapsed() noexcept {
  if (!kernel_.is_here()) return 0;
  const masked_lock held{lock_};
  if (!running_) return 0;
  if (interval_ == 0) {
    running_ = system::remaining(kernel_.native()) != 0;
    return running_ ? 0 : 1;
  }
  const std::int64_t now = system::time_of(clock());
  if (now < first_) return 0;
  const std::uint64_t all = static_cast<std::uint64_t>((now - first_) / interval_) + 1;
  const std::uint64_t elapsed = all > told_ ? all - told_ : 0;
  told_ += elapsed;
  return elapsed;
}

void timer_base::expire() noexcept {
  if (const std::uint64_t elapsed = take_elapsed(); elapsed != 0) call_(*this, elapsed);
}

void refuse_interval() {
  fail(EINVAL,
       "the interval of a timer must be longer than 0; without one it is made, and does not run");
}

}  // namespace sigsafe::detail
