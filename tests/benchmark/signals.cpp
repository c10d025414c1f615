#include <tests/benchmark/operations.hpp>

#include <benchmark/benchmark.h>
#include <signal.h>

#include <deque>

#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/signal_set.hpp>

#include <tests/benchmark/hold_counter.hpp>
#include <tests/benchmark/send.hpp>

namespace benchmarked {
namespace {

constinit volatile int received = 0;

/// Installed as a careful program does it by hand, everything blocked and with the siginfo, until
/// this is destroyed.
class installed {
 public:
  explicit installed(void (*function)(int, siginfo_t*, void*)) {
    struct sigaction action{};
    action.sa_sigaction = function;
    action.sa_flags = SA_SIGINFO;
    sigfillset(&action.sa_mask);
    sigaction(SIGUSR1, &action, &before_);
  }
  installed(const installed&) = delete;
  installed& operator=(const installed&) = delete;
  ~installed() { sigaction(SIGUSR1, &before_, nullptr); }

 private:
  struct sigaction before_{};
};

void count(int, siginfo_t*, void*) { received = received + 1; }

void bare_handler(benchmark::State& state) {
  const installed by_hand{count};
  for (auto _ : state) send_to_self(SIGUSR1);
}

void sigsafe_handler(benchmark::State& state) {
  const sigsafe::handler on_signal{SIGUSR1, []() noexcept { received = received + 1; }};
  for (auto _ : state) send_to_self(SIGUSR1);
}

template <int Others>
void sigsafe_handler_among(benchmark::State& state) {
  const auto nothing = []() noexcept {};
  std::deque<sigsafe::handler<decltype(nothing)>> others;
  for (int i = 0; i < Others; ++i) others.emplace_back(SIGHUP, nothing);
  sigsafe_handler(state);
}

void signal_in_mask(benchmark::State& state) {
  const installed by_hand{count};
  const sigset_t set = sigsafe::signal_set::maskable().native();
  sigset_t mask;
  for (auto _ : state) {
    pthread_sigmask(SIG_BLOCK, &set, &mask);
    send_to_self(SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  }
}

void signal_in_postgres_hold(benchmark::State& state) {
  const installed by_hand{hold_counter::on_signal};
  for (auto _ : state) {
    const hold_counter::hold held;
    send_to_self(SIGUSR1);
  }
}

void signal_in_lazy_guard(benchmark::State& state) {
  const sigsafe::handler on_signal{SIGUSR1, []() noexcept { received = received + 1; }};
  for (auto _ : state) {
    const sigsafe::lazy::guard guard;
    send_to_self(SIGUSR1);
  }
}

}  // namespace

void register_signals() {
  const auto add = benchmark::RegisterBenchmark<void (*)(benchmark::State&)>;
  add("bare_handler", bare_handler);
  add("sigsafe_handler", sigsafe_handler);
  add("sigsafe_handler_1", sigsafe_handler_among<1>);
  add("sigsafe_handler_10", sigsafe_handler_among<10>);
  add("sigsafe_handler_1000", sigsafe_handler_among<1000>);
  add("signal_in_mask", signal_in_mask);
  add("signal_in_postgres_hold", signal_in_postgres_hold);
  add("signal_in_lazy_guard", signal_in_lazy_guard);
}

}  // namespace benchmarked
