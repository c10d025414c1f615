// What the first signal does to a stop_signal, and what a lazy guard does to a signal of one. The
// thread of the stop_signal must not run while the injector is at work: it sleeps in a handler.
//
// The second signal ends the process, which is no operation that could be checked afterwards.
#include <sigsafe/stop.hpp>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <optional>

#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/guard.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/signal_set.hpp>

#include <tests/injection/subjects/guarded.hpp>

namespace injection::stops {

constexpr int stop_signal_number = SIGQUIT;
constexpr int parking_signal = SIGSYS;

/// Keeps the only other thread of the process asleep, in a handler that sigsafe knows nothing of.
class parking {
 public:
  parking() {
    if (pipe(ends_) != 0) std::abort();
    the_one = this;
    struct sigaction action{};
    action.sa_handler = [](int) { the_one->sleep(); };
    sigfillset(&action.sa_mask);
    sigaction(parking_signal, &action, nullptr);
  }

  void begin() noexcept {
    set_blocked_here(true);  // so that the other one gets it
    kill(getpid(), parking_signal);
    while (!sleeps_) sched_yield();
    set_blocked_here(false);
  }
  void end() noexcept {
    const char go = 1;
    if (write(ends_[1], &go, 1) != 1) std::abort();
    while (sleeps_) sched_yield();
  }

 private:
  static void set_blocked_here(bool blocked) noexcept {
    const sigset_t signals = sigsafe::signal_set{parking_signal}.native();
    pthread_sigmask(blocked ? SIG_BLOCK : SIG_UNBLOCK, &signals, nullptr);
  }
  void sleep() noexcept {
    const int error = errno;
    sleeps_ = true;
    char go;
    while (read(ends_[0], &go, 1) < 0 && errno == EINTR) continue;
    sleeps_ = false;
    errno = error;
  }

  static inline parking* the_one;
  int ends_[2];
  std::atomic<bool> sleeps_{false};
};

/// A stop_signal of each run, which nothing has asked for yet.
class stoppable : public guarded {
 public:
  void reset() override {
    guarded::reset();
    if (is_parked_) parking_.end();
    stop_.reset();
    event_.is_set = false;
    stop_.emplace(sigsafe::signal_set{stop_signal_number}, sigsafe::stop_options{.event = event_});
    parking_.begin();
    is_parked_ = true;
  }

  // A fault waits for nothing, so it sees what the handler has done so far.
  void in_handler(const sigsafe::signal_info& info) noexcept override {
    require(!event_.is_set || stop_->requested(), "an event was set before the stop was requested");
    guarded::in_handler(info);
  }

  const char* check() override {
    require(await_request(), "a signal to stop was lost");
    require(stop_->number() == stop_signal_number && event_.is_set,
            "a signal to stop was not told as what it was");
    return guarded::check();
  }

 protected:
  [[nodiscard]] bool is_requested() const noexcept { return stop_->requested(); }

 private:
  // It may have been passed on to the thread that sleeps.
  bool await_request() {
    if (stop_->requested()) return true;
    parking_.end();
    is_parked_ = false;
    for (int i = 0; i < 1'000'000 && !(stop_->requested() && event_.is_set); ++i) sched_yield();
    return stop_->requested();
  }

  struct event {
    std::atomic<bool> is_set{false};
    void set() noexcept { is_set = true; }
  };
  event event_;
  parking parking_;
  bool is_parked_ = false;
  std::optional<sigsafe::stop_signal> stop_;
};

/// For the thread: it waits for the guard.
template <class B>
class first final : public stoppable {
  void operation() override {
    const sigsafe::basic_guard<B> off;
    syscall(SYS_tgkill, getpid(), gettid(), stop_signal_number);
    require(!is_requested(), "a signal for the thread to stop did not wait for the release");
    change();
  }
};
const registration<first<eager>> eager_first{"stop_signal/first/eager", {.forks = true}};
const registration<first<lazy>> lazy_first{"stop_signal/first/lazy", {.forks = true}};

/// For the process: it is passed on, unless something else has closed the mask before.
class passed_on final : public stoppable {
  void operation() override {
    const sigsafe::lazy::guard off;
    kill(getpid(), stop_signal_number);
    const auto& thread = sigsafe::detail::current_thread();
    require(!thread.has_deferred() || thread.info.si_signo != stop_signal_number,
            "a signal to stop was deferred");
    change();
  }
};
const registration<passed_on> passed{"stop_signal/passed-on", {.forks = true}};

}  // namespace injection::stops
