// Signals at chosen moments of the lazy protocol: the interleavings that a draft of its rules got
// wrong once, by name. tests/injection sends them at every instruction.
#include <boost/test/unit_test.hpp>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

#include <tests/support/child.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/signals.hpp>

namespace {

using namespace std::chrono_literals;

using sigsafe::signal_info;
using sigsafe::signal_set;
using sigsafe::detail::current_thread;

using test::arrived;
using test::everything_blocked;
using test::has_deferred;
using test::holds;
using test::in_child;
using test::in_resting_child;
using test::panics;
using test::queue;
using test::send;

using noting = sigsafe::handler<test::note_arrival>;

const int real_time = SIGRTMIN + 3;

constinit sigsafe::lazy::mutex<int> lazy_mutex;
constinit sigsafe::mutex<int> eager_mutex;

constinit std::atomic<int> foreign_runs{0};

}  // namespace

BOOST_AUTO_TEST_SUITE(lazy_interleavings)

// What drafts got wrong.

BOOST_AUTO_TEST_CASE(an_eager_guard_in_a_handler_that_a_lazy_guard_dispatches_unblocks_nothing) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr2{SIGUSR2, {}};
    const sigsafe::handler usr1{SIGUSR1, []() noexcept {
                                  { const sigsafe::guard eager; }
                                  CHILD_REQUIRE(everything_blocked());
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

BOOST_AUTO_TEST_CASE(an_eager_guard_in_a_handler_that_wait_runs_unblocks_nothing) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr2{SIGUSR2, {}};
    const sigsafe::handler usr1{SIGUSR1, []() noexcept {
                                  { const sigsafe::guard eager; }
                                  CHILD_REQUIRE(everything_blocked());
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
      CHILD_REQUIRE(everything_blocked());
    }
    CHILD_REQUIRE(arrived.are({SIGUSR2}));
  })));
}

BOOST_AUTO_TEST_CASE(an_eager_guard_of_a_foreign_handler_inside_wait_is_the_outermost) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    test::install_foreign(SIGHUP, [](int) {
      ++foreign_runs;
      {
        const sigsafe::guard inner;
        CHILD_REQUIRE(everything_blocked());
        send(SIGUSR1);
        CHILD_REQUIRE(arrived.size() == 0);
      }
      CHILD_REQUIRE(arrived.are({SIGUSR1}));
      // What the kernel blocks while this handler runs stays blocked.
      CHILD_REQUIRE((signal_set::blocked() == signal_set{SIGHUP, SIGWINCH}));
    });
    sigsafe::guard outer;
    send(SIGHUP);
    outer.wait();
    CHILD_REQUIRE(foreign_runs == 1);
    CHILD_REQUIRE(everything_blocked());
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
        sigsafe::detail::sleep_unheld(nullptr, 0, sigsafe::detail::for_ever, error);
        CHILD_REQUIRE(arrived.are({SIGUSR1}));
        const auto& thread = current_thread();
        CHILD_REQUIRE(thread.held.load() == 2);
        CHILD_REQUIRE(thread.eager.load() == 1);
        CHILD_REQUIRE(everything_blocked());
        send(SIGUSR2);
      }
      CHILD_REQUIRE(has_deferred());
      CHILD_REQUIRE(arrived.are({SIGUSR1}));
    }
    CHILD_REQUIRE(arrived.are({SIGUSR1, SIGUSR2}));
  })));
}

BOOST_AUTO_TEST_CASE(a_sleep_in_a_lazy_guard_inside_an_eager_one_stays_blocked) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    const noting usr2{SIGUSR2, {}};
    {
      const sigsafe::guard outer;
      {
        const sigsafe::lazy::guard inner;
        send(SIGUSR1);
        int error = 0;
        sigsafe::detail::sleep_unheld(nullptr, 0, sigsafe::detail::for_ever, error);
        CHILD_REQUIRE(arrived.are({SIGUSR1}));
        CHILD_REQUIRE(everything_blocked());
      }
      CHILD_REQUIRE(everything_blocked());
      send(SIGUSR2);
      CHILD_REQUIRE(!has_deferred());
    }
    CHILD_REQUIRE(arrived.are({SIGUSR1, SIGUSR2}));
  })));
}

BOOST_AUTO_TEST_CASE(a_sleep_in_an_eager_guard_dispatches_what_was_deferred_before_it) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    const sigsafe::lazy::guard outer;
    send(SIGUSR1);
    const sigsafe::guard inner;
    int error = 0;
    sigsafe::detail::sleep_unheld(nullptr, 0, sigsafe::detail::for_ever, error);
    CHILD_REQUIRE(arrived.are({SIGUSR1}));
    CHILD_REQUIRE(!has_deferred() && everything_blocked());
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
      CHILD_REQUIRE(has_deferred() && !everything_blocked());
      {
        const sigsafe::guard eager;
        CHILD_REQUIRE(everything_blocked());
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
    CHILD_REQUIRE(test::status_of(child) == 0);
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

BOOST_AUTO_TEST_CASE(a_signal_that_a_subset_guard_blocks_after_its_deferral_waits_for_its_release) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting queued{real_time, {}};
    auto lazy = std::make_unique<sigsafe::lazy::guard>();
    queue(real_time, 5);
    auto subset = std::make_unique<sigsafe::subset_guard>(signal_set{real_time});
    lazy.reset();
    CHILD_REQUIRE(arrived.size() == 0);
    CHILD_REQUIRE(!has_deferred());
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
                                   CHILD_REQUIRE(everything_blocked());
                                   arrived.add(info.native());
                                 }};
    {
      const sigsafe::lazy::guard off;
      send(SIGUSR1);
      const signal_set mine = test::added();
      send(SIGSEGV);
      CHILD_REQUIRE(arrived.are({SIGSEGV}));
      CHILD_REQUIRE(has_deferred() && everything_blocked() && test::added() == mine);
    }
    CHILD_REQUIRE(arrived.are({SIGSEGV, SIGUSR1}));
  })));
}

// Handlers that are gone when the guard is released.

BOOST_AUTO_TEST_CASE(a_deferred_signal_without_handlers_goes_to_the_foreign_one_before_them) {
  BOOST_TEST(holds(in_resting_child([] {
    struct sigaction foreign{};
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
