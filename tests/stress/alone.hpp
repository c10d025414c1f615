// Scenarios that send by themselves.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <array>

#include <sigsafe/handler.hpp>

#include <tests/stress/kit.hpp>
#include <tests/stress/scenario.hpp>
#include <tests/stress/sleeps.hpp>

namespace stress {

/// Runs in a child, until the stage stops.
class lone_scenario {
 public:
  lone_scenario() = default;
  lone_scenario(const lone_scenario&) = delete;
  lone_scenario& operator=(const lone_scenario&) = delete;
  virtual ~lone_scenario() = default;
  virtual void run(stage& on) = 0;
};

/// Two processes wake each other in turns, from each kind of sleep; a lost wake-up stops both.
template <class Kit>
class ping_pong : public lone_scenario {
 public:
  void run(stage& on) override {
    count arrived{0};
    const sigsafe::handler handler{SIGUSR1,
                                   [&]() noexcept {
                                     ++on.counts.delivered;
                                     const std::uint64_t due = on.ball.exchange(0);
                                     if (due != 0) on.counts.delays.add(now() - due);
                                     ++arrived;
                                   },
                                   {.in_child = true}};
    here.random = on.of.seed * 2 + 1;
    const pid_t parent = getpid();
    typename Kit::guard off;
    const pid_t child = fork();
    if (child < 0) return on.violation("fork failed");
    if (child == 0) end_with(parent);
    const pid_t other = child == 0 ? parent : child;
    if (child != 0) send(on, other);
    for (std::uint64_t round = 1;; ++round) {
      // So that the answer falls before, into and behind the beginning of the sleep.
      const std::uint64_t busy_until = now() + here.next_random() % 20'000;
      while (now() < busy_until) {}
      while (arrived < round) sleep_in(off, round, quiet_);
      ++on.counts.operations;
      // The child ends first; it has been told by a last signal, which it does not answer.
      if (child == 0 ? on.ball_is_out.load() : on.stopping()) break;
      send(on, other);
    }
    if (child == 0) _exit(0);
    on.ball_is_out = true;
    send(on, other);
    if (end_of(child) != 0) on.violation("the other process did not end well");
    on.counts.lost = on.counts.sent - on.counts.delivered;
  }

 private:
  static void send(stage& on, pid_t to) noexcept {
    ++on.counts.sent;
    on.ball = now();
    kill(to, SIGUSR1);
  }

  const quiet_pipe quiet_;
};

/// Real-time signals up to the limit of what may be queued: each that was accepted comes, in its
/// order.
template <class Kit>
class queue_limit : public lone_scenario {
 public:
  void run(stage& on) override {
    constexpr rlimit small{64, 64};
    if (setrlimit(RLIMIT_SIGPENDING, &small) != 0)
      return on.violation("RLIMIT_SIGPENDING was refused");
    std::uint64_t next = 0;
    const sigsafe::handler handler{SIGRTMIN, [&](const sigsafe::signal_info& info) noexcept {
                                     ++on.counts.delivered;
                                     if (here.at == position::inside) on.torn();
                                     if (here.at == position::ending) ++on.counts.deferred;
                                     const auto number =
                                         static_cast<std::uint64_t>(info.value()->sival_int);
                                     if (number != next) ++on.counts.disorder;
                                     next = number + 1;
                                     on.counts.delays.add(now() - sent_at_[number % most]);
                                   }};
    while (!on.stopping()) {
      section held;
      int number = 0;
      {
        const typename Kit::guard off;
        held.begins();
        next = 0;
        for (; number < most; ++number) {
          sent_at_[static_cast<std::size_t>(number)] = now();
          if (sigqueue(getpid(), SIGRTMIN, {.sival_int = number}) != 0) break;
          ++on.counts.sent;
        }
        if (number == most) on.violation("the limit of queued signals was not reached");
        held.ends();
      }
      // With none, others of this user have taken the whole queue.
      if (number > 0) ++on.counts.operations;
      if (on.counts.sent != on.counts.delivered) on.violation("a queued signal did not come");
    }
    on.counts.lost = on.counts.sent - on.counts.delivered;
  }

 private:
  static constexpr int most = 128;  // more than the limit lets in
  std::array<std::uint64_t, most> sent_at_{};
};

}  // namespace stress
