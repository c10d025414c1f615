// Timers: their signal calls the function once, in whatever hold it arrives, and never behind a
// stop; and their functions may be called in handlers that interrupt them.
#include <sigsafe/timer.hpp>

#include <pthread.h>
#include <signal.h>

#include <chrono>
#include <optional>
#include <type_traits>

#include <sigsafe/guard.hpp>
#include <sigsafe/signal_set.hpp>

#include <tests/injection/subjects/guarded.hpp>

namespace injection::timers {

using namespace std::chrono_literals;

/// The program blocks the signal of timers, or no longer does.
inline void set_blocked(bool blocked) noexcept {
  const sigset_t signals = sigsafe::signal_set{sigsafe::timer_signal()}.native();
  pthread_sigmask(blocked ? SIG_BLOCK : SIG_UNBLOCK, &signals, nullptr);
}

// Of this clock the kernel alone knows the time: what the C library reads of others takes now more
// instructions and now less.
constexpr sigsafe::timer_options by_kernels_clock{.clock = sigsafe::timer_clock::process_cpu};

/// A timer whose signal is pending when the operation begins: that unblocks it where it is to
/// arrive, so that each run does the same.
template <template <class> class Timer>
class pending_timer : public guarded {
 public:
  void reset() override {
    guarded::reset();
    calls_ = 0;
    stopped_ = false;
    set_blocked(true);
    if (!timer_) timer_.emplace(function{this}, by_kernels_clock);
    if constexpr (std::is_same_v<Timer<function>, sigsafe::interval_timer<function>>)
      timer_->start(1h, -1ns);
    else
      timer_->start(-1ns);
    while (!sigsafe::signal_set::pending().contains(sigsafe::timer_signal())) continue;
  }

 protected:
  struct function {
    pending_timer* subject;
    void operator()() const noexcept { subject->expire(); }
  };

  void stop() noexcept {
    timer_->stop();
    stopped_ = true;
  }
  void destroy() noexcept { timer_.reset(); }
  [[nodiscard]] bool was_stopped() const noexcept { return stopped_; }
  [[nodiscard]] int calls() const noexcept { return calls_; }

 private:
  void expire() noexcept {
    require(!stopped_, "the function of a timer was called behind its stop");
    require(timer_.has_value(), "the function of a timer was called that is no more");
    ++calls_;
    change_in_handler();
  }
  std::optional<Timer<function>> timer_;
  int calls_ = 0;
  bool stopped_ = false;
};

struct no_hold {
  no_hold() {}  // NOLINT(*-use-equals-default): it is used like a guard
};

/// Its handlers stop the timer.
template <template <class> class Timer, class Hold>
class expires final : public pending_timer<Timer> {
 public:
  void in_handler(const sigsafe::signal_info& info) noexcept override {
    if (info.number() == fault_signal) return;  // it may have interrupted a timer's own functions
    this->stop();
    guarded::in_handler(info);
  }
  void operation() override {
    const Hold off;
    set_blocked(false);
    if (std::is_same_v<Hold, no_hold>) return;
    this->require(this->calls() == 0, "a timer's function did not wait for the release");
    this->change();
  }
  const char* check() override {
    this->require(this->was_stopped() || this->calls() == 1,
                  "a timer's function was not called once");
    return guarded::check();
  }
};
template <class Hold>
using interval_expires = expires<sigsafe::interval_timer, Hold>;
template <class Hold>
using deadline_expires = expires<sigsafe::deadline_timer, Hold>;
using eager_guard = sigsafe::basic_guard<eager>;
using lazy_guard = sigsafe::basic_guard<lazy>;
const registration<interval_expires<eager_guard>> eager_interval{"timer/interval/eager"};
const registration<interval_expires<lazy_guard>> lazy_interval{"timer/interval/lazy"};
const registration<interval_expires<no_hold>> free_interval{"timer/interval/unheld"};
const registration<deadline_expires<eager_guard>> eager_deadline{"timer/deadline/eager"};
const registration<deadline_expires<lazy_guard>> lazy_deadline{"timer/deadline/lazy"};
const registration<deadline_expires<no_hold>> free_deadline{"timer/deadline/unheld"};

/// What the signal meets that a guard has deferred is nobody.
template <class B>
class destroyed_in_a_guard final : public pending_timer<sigsafe::deadline_timer> {
 public:
  void operation() override {
    const sigsafe::basic_guard<B> off;
    set_blocked(false);
    destroy();
    change();
  }
  const char* check() override {
    require(calls() == 0, "the function of a timer was called that is no more");
    return guarded::check();
  }
};
const registration<destroyed_in_a_guard<eager>> eager_end{"timer/destroyed-in-a-guard/eager"};
const registration<destroyed_in_a_guard<lazy>> lazy_end{"timer/destroyed-in-a-guard/lazy"};

struct nothing {
  void operator()() const noexcept {}
};

/// A timer is made and started, and destroyed long before it goes off.
template <template <class> class Timer>
class comes_and_goes final : public guarded {
 public:
  // The first timer of a process finds the default action of its signal, the next what that left.
  comes_and_goes() { operation(); }

  void operation() override {
    const Timer<nothing> timer{1h, nothing{}, by_kernels_clock};
    const sigsafe::basic_guard<lazy> off;
    change();
  }
};
const registration<comes_and_goes<sigsafe::interval_timer>> interval{
    "timer/comes-and-goes/interval"};
const registration<comes_and_goes<sigsafe::deadline_timer>> deadline{
    "timer/comes-and-goes/deadline"};

/// The operation and its handlers use one timer.
class used_everywhere final : public subject {
 public:
  void in_handler(const sigsafe::signal_info& info) noexcept override {
    if (info.number() != fault_signal) use();
  }
  void in_foreign_handler() noexcept override { use(); }
  void operation() override { use(); }
  const char* check() override {
    return timer_.is_running() ? "a timer that was stopped runs" : nullptr;
  }

 private:
  void use() noexcept {
    timer_.start(1h);
    static_cast<void>(timer_.is_running());
    static_cast<void>(timer_.remaining<std::chrono::nanoseconds>());
    timer_.stop();
  }

  sigsafe::deadline_timer<nothing> timer_{nothing{}, by_kernels_clock};
};
const registration<used_everywhere> everywhere{"timer/used-in-handlers"};

}  // namespace injection::timers
