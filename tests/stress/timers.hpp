// Timers that go off in holds, and are started again, stopped and replaced there.
#pragma once

#include <sched.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <optional>
#include <thread>

#include <sigsafe/thread_id.hpp>
#include <sigsafe/timer.hpp>

#include <tests/stress/alone.hpp>

namespace stress {

/// Each thread has a timer of its own, and all have one of the process, with the same signal.
/// Behind a release a thread's timer tells of every interval until then, and never of more than
/// there were; behind a stop it tells nothing.
template <class Kit>
class timers : public lone_scenario {
 public:
  void run(stage& on) override {
    const sigsafe::interval_timer common{std::chrono::microseconds{170}, [&]() noexcept {
                                           if (here.at == position::inside) return on.torn();
                                           shared_.lock()->change(on);
                                         }};
    std::list<std::thread> threads;
    for (unsigned i = 1; i <= on.of.threads; ++i)
      threads.emplace_back([this, &on, i] {
        here.random = (on.of.seed + i) * 2 + 1;
        work(on);
      });
    for (std::thread& each : threads) each.join();
  }

 private:
  struct told {
    std::atomic<std::uint64_t> calls{0}, intervals{0};
  };
  struct tell {
    timers* all;
    stage* on;
    told* of;
    void operator()(std::uint64_t elapsed) const noexcept {
      ++on->counts.delivered;
      ++of->calls;
      of->intervals += elapsed;
      if (here.at == position::ending) ++on->counts.deferred;
      if (here.at == position::inside) return on->torn();
      all->shared_.lock()->change(*on);
    }
  };
  using timer = sigsafe::interval_timer<tell>;

  void work(stage& on) {
    told seen;
    std::optional<timer> mine;
    while (!on.stopping()) {
      if (!mine || here.next_random() % 16 == 0)
        mine.emplace(tell{this, &on, &seen},
                     sigsafe::timer_options{.thread = sigsafe::thread_id::current()});
      run_timer(on, *mine, seen);
    }
  }

  void run_timer(stage& on, timer& mine, told& seen) {
    const std::uint64_t interval = 20'000 + here.next_random() % 200'000;
    seen.intervals = 0;
    const std::uint64_t before = now();
    mine.start(std::chrono::nanoseconds{interval});
    const std::uint64_t after = now();
    for (std::uint64_t rounds = here.next_random() % 20; rounds > 0; --rounds) {
      const std::uint64_t until = hold(on);
      const std::uint64_t due = until > after ? (until - after) / interval : 0;
      // The interrupt of the kernel's timer may come a little later than its clock says.
      while (seen.intervals < due) sched_yield();
      const std::uint64_t so_far = seen.intervals;
      if (so_far > (now() - before) / interval)
        on.violation("a timer told of more intervals than there were");
    }
    stop(on, mine, seen);
    on.counts.sent += seen.calls.exchange(0);
  }

  // In a guard there may be one that waits.
  void stop(stage& on, timer& mine, told& seen) {
    std::uint64_t told_before = 0;
    {
      const typename Kit::guard off;
      mine.stop();
      told_before = seen.intervals;
    }
    hold(on);
    if (seen.intervals != told_before) on.violation("a timer went off behind its stop");
  }

  /// Holds for a while; returns a time before the release.
  std::uint64_t hold(stage& on) {
    section held;
    const typename Kit::guard off;
    held.begins();
    shared_.lock()->change(on);
    const std::uint64_t end = now() + here.next_random() % 100'000;
    while (now() < end) {}
    ++on.counts.operations;
    held.ends();
    return now();
  }

  typename Kit::template mutex<words> shared_;
};

}  // namespace stress
