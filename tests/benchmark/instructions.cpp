#include <tests/benchmark/instructions.hpp>

#include <signal.h>

#include <memory>
#include <mutex>
#include <vector>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/raw_lock.hpp>
#include <sigsafe/ref_cell.hpp>
#include <sigsafe/signal_set.hpp>

#include <tests/benchmark/hold_counter.hpp>
#include <tests/support/signals.hpp>

namespace benchmarked {
namespace {

int nothing() { return 0; }

template <class Lock>
long of_lock() {
  static Lock lock;
  return instructions_of(nothing, [] {
    const std::lock_guard locked{lock};
    barrier();
  });
}

long of_cell() {
  static constinit thread_local sigsafe::lazy::ref_cell<int> cell;
  return instructions_of(nothing, [] {
    const auto borrowed = cell.borrow_mut();
    barrier();
  });
}

long of_sigmask() {
  return instructions_of(nothing, [] {
    static const sigset_t set = sigsafe::signal_set::maskable().native();
    sigset_t before;
    pthread_sigmask(SIG_BLOCK, &set, &before);
    barrier();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  });
}

// In a child: what send_to_self keeps would be the parent's.
void send() { test::send(SIGUSR1); }

int install_by_hand() {
  struct sigaction action{};
  action.sa_sigaction = [](int, siginfo_t*, void*) {};
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGUSR1, &action, nullptr);
  return 0;
}

auto install() {
  const auto nothing_to_do = []() noexcept {};
  return std::make_unique<sigsafe::handler<decltype(nothing_to_do)>>(SIGUSR1, nothing_to_do);
}

}  // namespace

std::vector<instructions> count_all_instructions() {
  return {
      {"lazy guard", instructions_of_hold<sigsafe::lazy::guard>()},
      {"PostgreSQL's hold counter", instructions_of_hold<hold_counter::hold>()},
      {"futex_lock", of_lock<sigsafe::futex_lock>()},
      {"lazy mutex", of_lock<sigsafe::lazy::raw_mutex<>>()},
      {"lazy cell, borrow_mut", of_cell()},
      {"pthread_sigmask, twice", of_sigmask()},
      {"eager guard", instructions_of_hold<sigsafe::guard>()},
      {"signal, sigaction", instructions_of(install_by_hand, send)},
      {"signal, handler", instructions_of(install, send)},
      {"signal in a lazy guard", instructions_of(install,
                                                 [] {
                                                   const sigsafe::lazy::guard off;
                                                   send();
                                                 })},
  };
}

}  // namespace benchmarked
