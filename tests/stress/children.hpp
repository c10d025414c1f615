// Programs that start inside holds, in a storm of signals, beside a library that takes statuses.
#pragma once

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <list>
#include <system_error>
#include <thread>

#include <sigsafe/handler.hpp>
#include <sigsafe/process.hpp>
#include <sigsafe/signal_fd.hpp>
#include <sigsafe/signal_set.hpp>

#include <tests/stress/alone.hpp>

namespace stress {

/// Every thread starts programs while it holds, and learns how its own have ended, unless a thief
/// was faster. Each program finds nothing blocked. What cannot be started leaves nothing.
template <class Kit>
class children : public lone_scenario {
 public:
  void run(stage& on) override {
    const sigsafe::handler handler{SIGUSR1, [&]() noexcept {
                                     ++on.counts.delivered;
                                     if (here.at == position::inside) on.torn();
                                     if (here.at == position::ending) ++on.counts.deferred;
                                     const std::uint64_t due = on.ball.exchange(0);
                                     if (due != 0) on.counts.delays.add(now() - due);
                                     shared_.lock()->change(on);
                                     ++arrived_;
                                   }};
    here.random = on.of.seed * 2 + 1;
    sigsafe::signal_fd signals{{SIGUSR2, SIGTERM}};  // the threads inherit its block
    std::list<std::thread> threads;
    for (unsigned i = 1; i <= on.of.threads; ++i)
      threads.emplace_back([this, &on, i] {
        here.random = (on.of.seed + i) * 2 + 1;
        while (!on.stopping()) start_one(on);
        ++ended_;
      });
    threads.emplace_back([this, &on] { steal(on); });
    for (std::uint64_t round = 1; ended_ < on.of.threads; ++round) {
      ++on.counts.sent;
      on.ball = now();
      kill(getpid(), SIGUSR1);
      kill(getpid(), SIGUSR2);
      if (!signals.read() || signals.read()) on.violation("a signal was not read once");
      while (arrived_ < round) sched_yield();
    }
    for (std::thread& each : threads) each.join();
    on.counts.lost = on.counts.sent - on.counts.delivered;
    siginfo_t info;
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
      on.violation("a child was left behind");
  }

 private:
  // A kit may be broken so that its children are deaf.
  static sigsafe::spawn_options options() {
    if constexpr (requires { Kit::has_deaf_children; })
      return {.blocked = sigsafe::signal_set::blocked() | sigsafe::signal_set{SIGUSR2}};
    else
      return {};
  }

  sigsafe::child start_inside(stage& on) {
    section held;
    const typename Kit::guard off;
    held.begins();
    shared_.lock()->change(on);
    on.inside();
    sigsafe::child started = sigsafe::spawn(
        {"grep", "-Eq", "^SigBlk:.0000000000000000$", "/proc/self/status"}, options());
    held.ends();
    return started;
  }

  void start_one(stage& on) {
    if (here.next_random() % 8 == 0) {
      try {
        const sigsafe::child never = sigsafe::spawn({"/nowhere"});
        on.violation("a program that does not exist was started");
      } catch (const std::system_error&) {}
    }
    sigsafe::child started = start_inside(on);
    bool told = false;
    started.on_exit([&](sigsafe::exit_status) noexcept { told = true; });
    const bool kills = here.next_random() % 4 == 0;
    if (kills) started.kill(SIGKILL);
    const sigsafe::exit_status end = started.wait();
    if (!end.unknown() && !end.success() && !(kills && end.signal() == SIGKILL))
      on.violation("a child ended as none of its threads expected: was its mask closed?");
    if (!told) on.violation("the function of a child was not called");
    ++on.counts.operations;
  }

  void steal(stage& on) {
    here.random = on.of.seed * 2 + 3;
    while (ended_ < on.of.threads) {
      if (here.next_random() % 16 == 0) waitpid(-1, nullptr, WNOHANG);
      constexpr timespec a_moment{0, 50'000};
      clock_nanosleep(CLOCK_MONOTONIC, 0, &a_moment, nullptr);
    }
  }

  typename Kit::template mutex<words> shared_;
  count arrived_{0}, ended_{0};
};

/// Its children begin with what its guards have blocked.
template <class B>
struct deaf_children : kit<B> {
  static constexpr bool has_deaf_children = true;
};

}  // namespace stress
