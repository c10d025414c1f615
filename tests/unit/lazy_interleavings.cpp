// Signals at chosen moments of the lazy protocol: the interleavings that a draft of its rules got
// wrong once, by name, and every instruction of the operations that users write.
#include <boost/test/unit_test.hpp>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <iterator>
#include <memory>
#include <utility>

#include <tests/support/child.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/signals.hpp>
#include <tests/support/step.hpp>

namespace {

using namespace std::chrono_literals;

using sigsafe::signal_info;
using sigsafe::signal_set;
using sigsafe::detail::current_thread;

using test::arrived;
using test::has_deferred;
using test::holds;
using test::in_child;
using test::in_resting_child;
using test::is_at_rest;
using test::is_closed;
using test::panics;
using test::queue;
using test::send;

using noting = sigsafe::handler<test::note_arrival>;

const int real_time = SIGRTMIN + 3;

constinit sigsafe::lazy::mutex<int> lazy_mutex;
constinit sigsafe::lazy::ref_cell<int> lazy_cell;
constinit sigsafe::mutex<int> eager_mutex;

int arrivals_of(int signal) {
  int found = 0;
  for (int i = 0; i < arrived.size(); ++i) found += arrived[i].si_signo == signal ? 1 : 0;
  return found;
}

/// What the handlers that a case injects have seen.
constinit std::atomic<bool> inside{false};  // the operation is where no handler may run
constinit std::atomic<int> ran_inside{0};
constinit std::atomic<int> foreign_runs{0};

// The region that an owner protects.
void protected_region() noexcept {
  inside = true;
  inside = false;
}

void note_and_use_guards(const signal_info& info) noexcept {
  if (inside) ++ran_inside;
  const sigsafe::lazy::guard lazy;
  const sigsafe::guard eager;
  arrived.add(info.native());
}

/// What is sent at an instruction, and who handles it.
struct injection {
  const char* name;
  void (*send)();
  int usr1;       // how often the handlers run for it
  int real_time;
  int foreign;
};

const injection injections[] = {
    {"one signal", [] { send(SIGUSR1); }, 1, 0, 0},
    {"two signals",
     [] {
       queue(real_time, 7);
       send(SIGUSR1);
     },
     1, 1, 0},
    {"a foreign handler that uses an eager guard", [] { send(SIGHUP); }, 1, 0, 1},
    {"a foreign handler that uses a lazy guard", [] { send(SIGTERM); }, 1, 0, 1},
};

/// Every injection at every instruction of an operation: each handler runs exactly once, none of
/// sigsafe's while something is held, and afterwards all is as it was. The operation itself sends
/// SIGUSR2 so many times.
template <class Operation>
void survives_signals_everywhere(int least, Operation operation, int usr2 = 0) {
  constexpr int variants = static_cast<int>(std::size(injections));
  for (int variant = 0; variant < variants; ++variant) {
    const injection& what = injections[variant];
    BOOST_TEST_CONTEXT(what.name)
    BOOST_TEST(holds(in_resting_child([&] {
      const sigsafe::handler first{SIGUSR1, &note_and_use_guards};
      const sigsafe::handler second{SIGUSR2, &note_and_use_guards};
      const sigsafe::handler third{real_time, &note_and_use_guards};
      test::install_foreign(SIGHUP, [](int) {
        ++foreign_runs;
        const sigsafe::guard eager;
        send(SIGUSR1);
      });
      test::install_foreign(SIGTERM, [](int) {
        ++foreign_runs;
        const sigsafe::lazy::guard lazy;
        send(SIGUSR1);
      });
      const signal_set mask = signal_set::blocked();
      const auto all_is_well = [&] {
        bool good = arrivals_of(SIGUSR1) == what.usr1 && arrivals_of(SIGUSR2) == usr2 &&
                    arrivals_of(real_time) == what.real_time && foreign_runs == what.foreign &&
                    ran_inside == 0 && is_at_rest() && signal_set::blocked() == mask &&
                    signal_set::pending().empty();
        for (int i = 0; i < arrived.size(); ++i)
          if (arrived[i].si_signo == real_time && arrived[i].si_value.sival_int != 7) good = false;
        arrived.clear();
        foreign_runs = 0;
        return good;
      };
      test::at_every_instruction(least, operation, what.send, all_is_well, test::until::end,
                                 {.mine = variant, .of = variants});
    })));
  }
}

#define WITH_STEPS *boost::unit_test::precondition(test::can_step)

}  // namespace

BOOST_AUTO_TEST_SUITE(lazy_interleavings)

// Every instruction.

BOOST_AUTO_TEST_CASE(signals_at_every_instruction_of_a_lazy_guard, WITH_STEPS) {
  survives_signals_everywhere(10, [] {
    const sigsafe::lazy::guard off;
    protected_region();
  });
}

BOOST_AUTO_TEST_CASE(signals_at_every_instruction_of_nested_lazy_guards, WITH_STEPS) {
  survives_signals_everywhere(10, [] {
    const sigsafe::lazy::guard outer;
    { const sigsafe::lazy::guard inner; }
    protected_region();
  });
}

BOOST_AUTO_TEST_CASE(signals_at_every_instruction_of_a_lazy_mutex, WITH_STEPS) {
  survives_signals_everywhere(10, [] {
    const auto locked = lazy_mutex.lock();
    protected_region();
  });
}

BOOST_AUTO_TEST_CASE(signals_at_every_instruction_of_a_lazy_borrow, WITH_STEPS) {
  survives_signals_everywhere(10, [] {
    const auto borrowed = lazy_cell.borrow_mut();
    protected_region();
  });
}

BOOST_AUTO_TEST_CASE(signals_at_every_instruction_of_an_eager_guard, WITH_STEPS) {
  survives_signals_everywhere(30, [] {
    const sigsafe::guard off;
    protected_region();
  });
}

BOOST_AUTO_TEST_CASE(signals_at_every_instruction_of_an_eager_guard_in_a_lazy_one, WITH_STEPS) {
  survives_signals_everywhere(30, [] {
    const sigsafe::lazy::guard lazy;
    { const sigsafe::guard eager; }
    protected_region();
  });
}

BOOST_AUTO_TEST_CASE(signals_at_every_instruction_of_a_lazy_guard_in_an_eager_one, WITH_STEPS) {
  survives_signals_everywhere(30, [] {
    const sigsafe::guard eager;
    { const sigsafe::lazy::guard lazy; }
    protected_region();
  });
}

BOOST_AUTO_TEST_CASE(signals_at_every_instruction_of_owners_that_end_in_the_order_they_began,
                     WITH_STEPS) {
  survives_signals_everywhere(30, [] {
    auto lazy = lazy_mutex.lock();
    auto eager = eager_mutex.lock();
    protected_region();
    lazy.unlock();
    protected_region();
  });
}

BOOST_AUTO_TEST_CASE(signals_at_every_instruction_of_a_subset_guard_in_a_lazy_one, WITH_STEPS) {
  survives_signals_everywhere(30, [] {
    const sigsafe::lazy::guard lazy;
    { const sigsafe::subset_guard subset{signal_set{SIGUSR1, SIGUSR2}}; }
    protected_region();
  });
}

BOOST_AUTO_TEST_CASE(signals_at_every_instruction_of_a_lazy_guard_in_a_subset_one, WITH_STEPS) {
  survives_signals_everywhere(30, [] {
    const sigsafe::subset_guard subset{signal_set{SIGUSR1, SIGWINCH}};
    const sigsafe::lazy::guard lazy;
    protected_region();
  });
}

BOOST_AUTO_TEST_CASE(signals_at_every_instruction_of_a_wait_in_a_lazy_guard, WITH_STEPS) {
  survives_signals_everywhere(50, [] {
    sigsafe::lazy::guard off;
    off.wait_for(0s);
    protected_region();
  });
}

BOOST_AUTO_TEST_CASE(signals_at_every_instruction_of_a_wait_in_an_eager_guard, WITH_STEPS) {
  survives_signals_everywhere(50, [] {
    sigsafe::guard off;
    off.wait_for(0s);
    protected_region();
  });
}

BOOST_AUTO_TEST_CASE(signals_at_every_instruction_of_a_dispatch, WITH_STEPS) {
  survives_signals_everywhere(
      50,
      [] {
        const sigsafe::lazy::guard off;
        send(SIGUSR2);
        protected_region();
      },
      1);
}

BOOST_AUTO_TEST_CASE(signals_at_every_instruction_of_a_dispatch_behind_an_eager_guard,
                     WITH_STEPS) {
  survives_signals_everywhere(
      50,
      [] {
        auto lazy = lazy_mutex.lock();
        send(SIGUSR2);
        auto eager = eager_mutex.lock();
        lazy.unlock();
        protected_region();
      },
      1);
}

BOOST_AUTO_TEST_CASE(signals_at_every_instruction_of_a_wait_that_dispatches, WITH_STEPS) {
  survives_signals_everywhere(
      50,
      [] {
        sigsafe::lazy::guard off;
        send(SIGUSR2);
        off.wait();
        protected_region();
      },
      1);
}

// What drafts got wrong.

BOOST_AUTO_TEST_CASE(an_eager_guard_in_a_handler_that_a_lazy_guard_dispatches_opens_nothing) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr2{SIGUSR2, {}};
    const sigsafe::handler usr1{SIGUSR1, []() noexcept {
                                  { const sigsafe::guard eager; }
                                  CHILD_REQUIRE(is_closed());
                                  send(SIGUSR2);
                                  CHILD_REQUIRE(arrived.size() == 0);
                                }};
    {
      const sigsafe::lazy::guard off;
      send(SIGUSR1);
    }
    CHILD_REQUIRE(arrived.are({SIGUSR2}));
  })));
}

BOOST_AUTO_TEST_CASE(an_eager_guard_in_a_handler_that_wait_runs_opens_nothing) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr2{SIGUSR2, {}};
    const sigsafe::handler usr1{SIGUSR1, []() noexcept {
                                  { const sigsafe::guard eager; }
                                  CHILD_REQUIRE(is_closed());
                                  send(SIGUSR2);
                                  CHILD_REQUIRE(arrived.size() == 0);
                                }};
    {
      sigsafe::lazy::guard off;
      send(SIGUSR1);
      off.wait();
      CHILD_REQUIRE(arrived.size() == 0);
    }
    CHILD_REQUIRE(arrived.are({SIGUSR2}));
    arrived.clear();
    {
      sigsafe::guard off;
      send(SIGUSR1);
      off.wait();
      CHILD_REQUIRE(is_closed());
    }
    CHILD_REQUIRE(arrived.are({SIGUSR2}));
  })));
}

BOOST_AUTO_TEST_CASE(a_signal_between_depth_0_and_the_check_of_deferred_runs, WITH_STEPS) {
  BOOST_TEST(holds(in_resting_child([] {
    int at_once = 0;
    int deferred = 0;
    int runs = 0;
    const sigsafe::handler usr1{SIGUSR1, [&](const signal_info& info) noexcept {
                                  ++runs;
                                  ++(info.context() != nullptr ? at_once : deferred);
                                }};
    test::at_every_instruction(
        10, [] { const sigsafe::lazy::guard off; }, [] { send(SIGUSR1); },
        [&] { return std::exchange(runs, 0) == 1 && is_at_rest(); });
    CHILD_REQUIRE(at_once > 0 && deferred > 0);
  })));
}

BOOST_AUTO_TEST_CASE(a_second_signal_between_depth_0_and_the_check_of_deferred_follows_the_first,
                     WITH_STEPS) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting queued{real_time, {}};
    test::install_foreign(SIGHUP, [](int) { queue(real_time, 1); });
    bool comes_second = false;
    test::at_every_instruction(
        10,
        [] {
          const sigsafe::lazy::guard off;
          send(SIGHUP);  // afterwards something is deferred and the mask is open
        },
        [&] {
          comes_second = has_deferred();
          queue(real_time, 2);
        },
        [&] {
          const bool both = arrived.have_values({1, 2}) ||
                            (!comes_second && arrived.have_values({2, 1}));
          arrived.clear();
          return both && is_at_rest();
        });
  })));
}

BOOST_AUTO_TEST_CASE(of_two_guard_ends_that_both_see_deferred_one_dispatches, WITH_STEPS) {
  const auto dispatches_once = [](void (*foreign)(int)) {
    return in_resting_child([=] {
      const noting usr1{SIGUSR1, {}};
      test::install_foreign(SIGHUP, [](int) { send(SIGUSR1); });
      test::install_foreign(SIGTERM, foreign);
      const signal_set mask = signal_set::blocked();
      test::at_every_instruction(
          50,
          [] {
            const sigsafe::lazy::guard off;
            send(SIGHUP);  // afterwards something is deferred and the mask is open
          },
          [] { send(SIGTERM); },
          [&] {
            const bool once = arrived.are({SIGUSR1});
            arrived.clear();
            return once && is_at_rest() && signal_set::blocked() == mask;
          });
    });
  };
  BOOST_TEST(holds(dispatches_once([](int) { const sigsafe::lazy::guard inner; })));
  BOOST_TEST(holds(dispatches_once([](int) { const sigsafe::guard inner; })));
}

BOOST_AUTO_TEST_CASE(an_eager_guard_of_a_foreign_handler_inside_wait_is_the_outermost) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    test::install_foreign(SIGHUP, [](int) {
      ++foreign_runs;
      {
        const sigsafe::guard inner;
        CHILD_REQUIRE(is_closed());
        send(SIGUSR1);
        CHILD_REQUIRE(arrived.size() == 0);
      }
      CHILD_REQUIRE(arrived.are({SIGUSR1}));
      CHILD_REQUIRE(!is_closed());
    });
    sigsafe::guard outer;
    send(SIGHUP);
    outer.wait();
    CHILD_REQUIRE(foreign_runs == 1);
    CHILD_REQUIRE(is_closed());
    CHILD_REQUIRE(test::added() == signal_set::maskable() - signal_set{SIGWINCH});
  })));
}

BOOST_AUTO_TEST_CASE(wait_in_an_eager_guard_inside_a_lazy_one_panics) {
  BOOST_TEST(panics(in_child([] {
                      const sigsafe::lazy::guard outer;
                      sigsafe::guard inner;
                      inner.wait();
                    }),
                    "wait in a nested guard"));
  BOOST_TEST(panics(in_child([] {
                      const sigsafe::guard outer;
                      sigsafe::lazy::guard inner;
                      inner.wait();
                    }),
                    "wait in a nested guard"));
}

BOOST_AUTO_TEST_CASE(a_sleep_in_an_eager_guard_inside_a_lazy_one_keeps_both) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    const noting usr2{SIGUSR2, {}};
    {
      const sigsafe::lazy::guard outer;
      {
        const sigsafe::guard inner;
        send(SIGUSR1);
        int error = 0;
        sigsafe::detail::sleep_open(nullptr, 0, nullptr, error);
        CHILD_REQUIRE(arrived.are({SIGUSR1}));
        const auto& thread = current_thread();
        CHILD_REQUIRE(thread.depth.load() == 1 && thread.count.load() == 1);
        CHILD_REQUIRE(thread.hard.load() == 1);
        CHILD_REQUIRE(is_closed());
        send(SIGUSR2);
      }
      CHILD_REQUIRE(has_deferred());
      CHILD_REQUIRE(arrived.are({SIGUSR1}));
    }
    CHILD_REQUIRE(arrived.are({SIGUSR1, SIGUSR2}));
  })));
}

BOOST_AUTO_TEST_CASE(a_sleep_in_a_lazy_guard_inside_an_eager_one_stays_closed) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    const noting usr2{SIGUSR2, {}};
    {
      const sigsafe::guard outer;
      {
        const sigsafe::lazy::guard inner;
        send(SIGUSR1);
        int error = 0;
        sigsafe::detail::sleep_open(nullptr, 0, nullptr, error);
        CHILD_REQUIRE(arrived.are({SIGUSR1}));
        CHILD_REQUIRE(is_closed());
      }
      CHILD_REQUIRE(is_closed());
      send(SIGUSR2);
      CHILD_REQUIRE(!has_deferred());
    }
    CHILD_REQUIRE(arrived.are({SIGUSR1, SIGUSR2}));
  })));
}

BOOST_AUTO_TEST_CASE(a_sleep_in_an_eager_guard_dispatches_what_was_deferred_outside_of_it) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    const sigsafe::lazy::guard outer;
    send(SIGUSR1);
    const sigsafe::guard inner;
    int error = 0;
    sigsafe::detail::sleep_open(nullptr, 0, nullptr, error);
    CHILD_REQUIRE(arrived.are({SIGUSR1}));
    CHILD_REQUIRE(!has_deferred() && is_closed());
  })));
}

BOOST_AUTO_TEST_CASE(a_subset_guard_that_begins_after_a_deferral_outlives_the_lazy_guard) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    const noting usr2{SIGUSR2, {}};
    auto lazy = std::make_unique<sigsafe::lazy::guard>();
    send(SIGUSR1);
    send(SIGUSR2);
    auto subset = std::make_unique<sigsafe::subset_guard>(signal_set{SIGUSR2});
    lazy.reset();
    CHILD_REQUIRE(arrived.are({SIGUSR1}));
    CHILD_REQUIRE((signal_set::blocked() == signal_set{SIGUSR2, SIGWINCH}));
    subset.reset();
    CHILD_REQUIRE(arrived.are({SIGUSR1, SIGUSR2}));
  })));
}

BOOST_AUTO_TEST_CASE(an_eager_guard_behind_a_foreign_handler_holds_everything_off) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    const noting usr2{SIGUSR2, {}};
    test::install_foreign(SIGHUP, [](int) { send(SIGUSR1); });
    test::install_foreign(SIGTERM, [](int) { ++foreign_runs; });
    {
      const sigsafe::lazy::guard lazy;
      send(SIGHUP);
      CHILD_REQUIRE(has_deferred() && !is_closed());
      {
        const sigsafe::guard eager;
        CHILD_REQUIRE(is_closed());
        send(SIGTERM);
        send(SIGUSR2);
        CHILD_REQUIRE(foreign_runs == 0);
      }
      CHILD_REQUIRE(arrived.size() == 0);  // it waits for the lazy guard
      CHILD_REQUIRE(has_deferred());
    }
    CHILD_REQUIRE(arrived.are({SIGUSR1, SIGUSR2}));
    CHILD_REQUIRE(foreign_runs == 1);
  })));
}

BOOST_AUTO_TEST_CASE(after_a_fork_that_follows_a_deferral_the_parents_signal_reaches_the_child) {
  BOOST_TEST(holds(in_resting_child([] {
    const sigsafe::handler usr1{SIGUSR1, test::note_arrival{}, {.in_child = true}};
    const sigsafe::handler usr2{SIGUSR2, test::note_arrival{}, {.in_child = true}};
    pid_t child;
    {
      const sigsafe::lazy::guard off;
      send(SIGUSR1);
      child = fork();
      if (child > 0) kill(child, SIGUSR2);
    }
    if (child == 0) {
      sigsafe::guard off;
      while (arrived.size() == 0) off.wait();
      CHILD_REQUIRE(arrived.are({SIGUSR2}));
      _exit(0);
    }
    CHILD_REQUIRE(arrived.are({SIGUSR1}));
    int status = -1;
    CHILD_REQUIRE(waitpid(child, &status, 0) == child && status == 0);
  })));
}

// Signals with a value.

BOOST_AUTO_TEST_CASE(queued_signals_come_in_order_through_a_deferral) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting queued{real_time, {}};
    {
      const sigsafe::lazy::guard outer;
      queue(real_time, 1);
      {
        const sigsafe::guard eager;
        queue(real_time, 2);
        const auto locked = lazy_mutex.lock();
        queue(real_time, 3);
      }
      queue(real_time, 4);
    }
    queue(real_time, 5);
    {
      const auto locked = lazy_mutex.lock();
      queue(real_time, 6);
      queue(real_time, 7);
    }
    CHILD_REQUIRE(arrived.have_values({1, 2, 3, 4, 5, 6, 7}));
  })));
}

BOOST_AUTO_TEST_CASE(a_signal_that_a_subset_guard_blocks_after_its_deferral_waits_for_its_end) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting queued{real_time, {}};
    auto lazy = std::make_unique<sigsafe::lazy::guard>();
    queue(real_time, 5);
    auto subset = std::make_unique<sigsafe::subset_guard>(signal_set{real_time});
    lazy.reset();
    CHILD_REQUIRE(arrived.size() == 0);
    CHILD_REQUIRE(is_at_rest());
    CHILD_REQUIRE(signal_set::pending() == signal_set{real_time});
    CHILD_REQUIRE((signal_set::blocked() == signal_set{real_time, SIGWINCH}));
    subset.reset();
    CHILD_REQUIRE(arrived.have_values({5}));
  })));
}

BOOST_AUTO_TEST_CASE(a_signal_that_a_subset_guard_blocks_after_its_deferral_does_not_end_a_wait) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting queued{real_time, {}};
    {
      sigsafe::lazy::guard lazy;
      queue(real_time, 5);
      {
        const sigsafe::subset_guard subset{signal_set{real_time}};
        CHILD_REQUIRE(!lazy.wait_for(0s));
        CHILD_REQUIRE(arrived.size() == 0);
      }
    }
    CHILD_REQUIRE(arrived.have_values({5}));
  })));
}

// Faults.

BOOST_AUTO_TEST_CASE(a_fault_after_a_deferral_runs_and_leaves_the_deferral_alone) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    const sigsafe::handler fault{SIGSEGV, [](const signal_info& info) noexcept {
                                   { const sigsafe::lazy::guard lazy; }
                                   { const sigsafe::guard eager; }
                                   { const sigsafe::subset_guard subset{signal_set{SIGUSR1}}; }
                                   { const auto locked = eager_mutex.lock(); }
                                   CHILD_REQUIRE(has_deferred());
                                   CHILD_REQUIRE(is_closed());
                                   arrived.add(info.native());
                                 }};
    {
      const sigsafe::lazy::guard off;
      send(SIGUSR1);
      const signal_set mine = test::added();
      send(SIGSEGV);
      CHILD_REQUIRE(arrived.are({SIGSEGV}));
      CHILD_REQUIRE(has_deferred() && is_closed() && test::added() == mine);
    }
    CHILD_REQUIRE(arrived.are({SIGSEGV, SIGUSR1}));
  })));
}

BOOST_AUTO_TEST_CASE(a_fault_at_every_instruction_of_a_dispatch_changes_nothing, WITH_STEPS) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr2{SIGUSR2, {}};
    const sigsafe::handler fault{SIGSEGV, &note_and_use_guards};
    const signal_set mask = signal_set::blocked();
    test::at_every_instruction(
        50,
        [] {
          const sigsafe::lazy::guard off;
          send(SIGUSR2);
        },
        [] { send(SIGSEGV); },
        [&] {
          const bool once = arrivals_of(SIGUSR2) == 1 && arrivals_of(SIGSEGV) == 1;
          arrived.clear();
          return once && is_at_rest() && signal_set::blocked() == mask;
        });
  })));
}

// Handlers that are gone when the guard ends.

BOOST_AUTO_TEST_CASE(a_deferred_signal_without_handlers_goes_to_the_foreign_one_before_them) {
  BOOST_TEST(holds(in_resting_child([] {
    struct sigaction foreign {};
    foreign.sa_flags = SA_SIGINFO;
    foreign.sa_sigaction = [](int, siginfo_t* info, void*) { arrived.add(*info); };
    sigaction(real_time, &foreign, nullptr);
    const auto must_not_run = []() noexcept { CHILD_REQUIRE(false); };
    auto ours = std::make_unique<sigsafe::handler<decltype(must_not_run)>>(real_time, must_not_run);
    {
      const sigsafe::lazy::guard off;
      queue(real_time, 9);
      ours.reset();
      CHILD_REQUIRE(arrived.size() == 0);
    }
    CHILD_REQUIRE(arrived.have_values({9}));
  })));
}

BOOST_AUTO_TEST_CASE(a_deferred_signal_without_handlers_takes_its_default_action) {
  const auto end = in_child([] {
    auto ours = std::make_unique<noting>(SIGUSR1, test::note_arrival{});
    {
      const sigsafe::lazy::guard off;
      send(SIGUSR1);
      ours.reset();
    }
    CHILD_REQUIRE(false);
  });
  BOOST_TEST(end.killed_by(SIGUSR1), end);
}

BOOST_AUTO_TEST_CASE(a_deferred_signal_without_handlers_is_ignored_when_it_was_before) {
  BOOST_TEST(holds(in_resting_child([] {
    test::install_foreign(SIGUSR1, SIG_IGN);
    auto ours = std::make_unique<noting>(SIGUSR1, test::note_arrival{});
    {
      const sigsafe::lazy::guard off;
      send(SIGUSR1);
      ours.reset();
    }
    CHILD_REQUIRE(arrived.size() == 0);
  })));
}

BOOST_AUTO_TEST_SUITE_END()
