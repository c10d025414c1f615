// Threads that sleep in a guard, in programs whose signals may run their handlers on any thread.
#pragma once

#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <list>
#include <thread>

#include <sigsafe/handler.hpp>
#include <sigsafe/signal_set.hpp>

#include <tests/stress/alone.hpp>
#include <tests/stress/sleeps.hpp>

namespace stress {

/// Every thread notices every signal to the process; the next one is sent when all have. So a
/// thread that sleeps through stops them all.
template <class Kit>
class waits : public lone_scenario {
 public:
  void run(stage& on) override {
    const sigsafe::handler handler{SIGUSR1, [&]() noexcept {
                                     ++on.counts.delivered;
                                     const std::uint64_t due = on.ball.exchange(0);
                                     if (due != 0) on.counts.delays.add(now() - due);
                                     ++arrived_;
                                   }};
    here.random = on.of.seed * 2 + 1;
    std::list<std::thread> sleepers;
    for (unsigned i = 1; i <= on.of.threads; ++i)
      sleepers.emplace_back([this, &on, i] {
        here.random = (on.of.seed + i) * 2 + 1;
        notice_all(on, i);
      });
    for (std::uint64_t round = 1; !is_last_; ++round) {
      if (on.stopping()) is_last_ = true;
      send(on);
      while (noticed_ < round * on.of.threads) sched_yield();
    }
    for (std::thread& each : sleepers) each.join();
    on.counts.lost = on.counts.sent - on.counts.delivered;
  }

 private:
  void notice_all(stage& on, unsigned index) {
    typename Kit::guard off;
    for (std::uint64_t round = 1;; ++round) {
      // So that the signal falls before, into and behind the beginning of the sleep.
      const std::uint64_t busy_until = now() + here.next_random() % 20'000;
      while (now() < busy_until) {}
      while (arrived_ < round) sleep_in(off, round + index, quiet_);
      ++on.counts.operations;
      const bool last = is_last_;
      ++noticed_;
      if (last) return;
    }
  }

  // The kernel gives it to this thread, the first one, if that does not block it, and otherwise to
  // any of those that sleep or, with lazy guards, are about to.
  static void send(stage& on) noexcept {
    const std::uint64_t way = here.next_random() % 3;
    if (way == 0) {
      send_now(on);
    } else if (way == 1) {
      const typename Kit::guard off;
      send_now(on);
    } else {
      const sigset_t all = sigsafe::signal_set::maskable().native();
      sigset_t before;
      pthread_sigmask(SIG_BLOCK, &all, &before);
      send_now(on);
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
  }
  static void send_now(stage& on) noexcept {
    ++on.counts.sent;
    on.ball = now();
    kill(getpid(), SIGUSR1);
  }

  const quiet_pipe quiet_;
  count arrived_{0}, noticed_{0};
  std::atomic<bool> is_last_{false};  // set before the last signal is sent
};

}  // namespace stress
