// Handlers with .deferrable = false, which run in holds too: rule 16.
#include <boost/test/unit_test.hpp>

#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/sleepers.hpp>
#include <sigsafe/src/undeferrable.hpp>
#include <sigsafe/subset_guard.hpp>
#include <sigsafe/thread_id.hpp>

#include <tests/support/arrivals.hpp>
#include <tests/support/backends.hpp>
#include <tests/support/child.hpp>
#include <tests/support/errors.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/signals.hpp>
#include <tests/support/sleeper.hpp>
#include <tests/support/syscalls.hpp>

namespace {

using namespace std::chrono_literals;
using sigsafe::basic_guard;
using sigsafe::handler_options;
using sigsafe::signal_info;
using sigsafe::signal_set;
using test::arrived;
using test::check_in_child;
using test::in_child;
using test::refusal_of;
using test::send;

using noting = sigsafe::handler<test::note_arrival>;
constexpr handler_options at_once{.deferrable = false};

/// Runs a check that a fault in the library lets sleep for ever.
template <class Body>
void check_that_it_wakes(Body body) {
  const test::child_end end = in_child(body, 10);
  BOOST_CHECK_MESSAGE(end.succeeded(), end);
}

/// Runs the check in a child, which must be at rest afterwards.
template <class Body>
void check_at_rest(Body body) {
  const test::child_end end = test::in_resting_child(body);
  BOOST_CHECK_MESSAGE(end.succeeded(), end);
}

bool is_blocked(int signal) { return signal_set::blocked().contains(signal); }

/// Everything maskable is blocked, but for SIGPROF.
bool is_closed() { return signal_set::blocked() == signal_set::maskable() - signal_set{SIGPROF}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(handler_deferrable)

BOOST_AUTO_TEST_CASE_TEMPLATE(one_that_is_not_runs_inside_a_hold, B, test::hosted_backends) {
  check_at_rest([] {
    const noting profiler{SIGPROF, {}, at_once};
    const basic_guard<B> off;
    for (int i = 1; i <= 3; ++i) {
      send(SIGPROF);
      CHILD_REQUIRE(arrived.size() == i && !test::has_deferred());
    }
    const basic_guard<B> nested;
    send(SIGPROF);
    CHILD_REQUIRE(arrived.size() == 4);
  });
}

BOOST_AUTO_TEST_CASE(a_deferral_leaves_its_signal_open) {
  check_at_rest([] {
    const noting profiler{SIGPROF, {}, at_once};
    const noting handler{{SIGUSR1, SIGUSR2}, {}};
    {
      const sigsafe::lazy::guard off;
      send(SIGUSR1);
      CHILD_REQUIRE(is_closed() && !test::added().contains(SIGPROF));
      send(SIGPROF);
      CHILD_REQUIRE(arrived.are({SIGPROF}) && test::has_deferred() && is_closed());
      send(SIGUSR2);
    }
    CHILD_REQUIRE(arrived.are({SIGPROF, SIGUSR1, SIGUSR2}));
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(every_hold_leaves_its_signal_open, B, test::hosted_backends) {
  check_at_rest([] {
    const noting profiler{SIGPROF, {}, at_once};
    const noting handler{SIGUSR1, {}};
    {
      const basic_guard<B> first;
      send(SIGUSR1);
      {
        const sigsafe::basic_guard<sigsafe::backend::posix> second;
        CHILD_REQUIRE(is_closed());
      }
      CHILD_REQUIRE(is_closed());
      send(SIGPROF);
    }
    CHILD_REQUIRE(arrived.are({SIGPROF, SIGUSR1}));
  });
}

BOOST_AUTO_TEST_CASE(it_interrupts_the_handlers_of_a_deferred_signal) {
  check_at_rest([] {
    const noting profiler{SIGPROF, {}, at_once};
    const sigsafe::handler handler{SIGUSR1, [](const signal_info& info) noexcept {
                                     send(SIGPROF);
                                     arrived.add(info.native());
                                   }};
    {
      const sigsafe::lazy::guard off;
      send(SIGUSR1);
    }
    CHILD_REQUIRE(arrived.are({SIGPROF, SIGUSR1}));
  });
}

BOOST_AUTO_TEST_CASE(it_waits_for_a_handler_that_runs_at_once) {
  check_at_rest([] {
    const noting profiler{SIGPROF, {}, at_once};
    const sigsafe::handler handler{SIGUSR1, [](const signal_info& info) noexcept {
                                     send(SIGPROF);
                                     arrived.add(info.native());
                                   }};
    send(SIGUSR1);
    CHILD_REQUIRE(arrived.are({SIGUSR1, SIGPROF}));
  });
}

BOOST_AUTO_TEST_CASE(nothing_interrupts_it) {
  check_at_rest([] {
    const noting other{SIGVTALRM, {}, at_once};
    const sigsafe::handler profiler{SIGPROF,
                                    [](const signal_info& info) noexcept {
                                      send(SIGVTALRM);
                                      send(SIGUSR1);
                                      arrived.add(info.native());
                                    },
                                    at_once};
    const noting handler{SIGUSR1, {}};
    {
      const sigsafe::lazy::guard off;
      send(SIGPROF);
      CHILD_REQUIRE(arrived.are({SIGPROF, SIGVTALRM}) && test::has_deferred());
    }
    CHILD_REQUIRE(arrived.are({SIGPROF, SIGVTALRM, SIGUSR1}));
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(holds_in_it_leave_a_deferral_alone, B, test::hosted_backends) {
  check_at_rest([] {
    const sigsafe::handler profiler{SIGPROF,
                                    [](const signal_info& info) noexcept {
                                      const basic_guard<B> off;
                                      const sigsafe::lazy::guard lazy;
                                      arrived.add(info.native());
                                    },
                                    at_once};
    const noting handler{SIGUSR1, {}};
    {
      const sigsafe::lazy::guard off;
      send(SIGPROF);
      send(SIGUSR1);
      send(SIGPROF);
      CHILD_REQUIRE(arrived.are({SIGPROF, SIGPROF}) && test::has_deferred() && is_closed());
    }
    CHILD_REQUIRE(arrived.are({SIGPROF, SIGPROF, SIGUSR1}));
  });
}

BOOST_AUTO_TEST_CASE(a_subset_guard_that_names_it_holds_it_off) {
  check_at_rest([] {
    const noting profiler{SIGPROF, {}, at_once};
    const noting handler{SIGUSR1, {}};
    const sigsafe::lazy::guard off;
    {
      const sigsafe::subset_guard named{{SIGPROF}};
      send(SIGPROF);
      CHILD_REQUIRE(arrived.size() == 0);
    }
    CHILD_REQUIRE(arrived.are({SIGPROF}));
  });
}

BOOST_AUTO_TEST_CASE(a_subset_guard_that_ends_behind_a_deferral_holds_it_off_until_the_release) {
  check_at_rest([] {
    const noting profiler{SIGPROF, {}, at_once};
    const noting handler{SIGUSR1, {}};
    {
      const sigsafe::lazy::guard off;
      {
        const sigsafe::subset_guard named{{SIGPROF}};
        send(SIGPROF);
        send(SIGUSR1);
      }
      CHILD_REQUIRE(arrived.size() == 0);
    }
    CHILD_REQUIRE(arrived.are({SIGUSR1, SIGPROF}));
  });
}

BOOST_AUTO_TEST_CASE(a_call_of_it_by_a_foreign_handler_does_not_wait) {
  check_at_rest([] {
    static struct sigaction ours;
    const noting profiler{SIGPROF, {}, at_once};
    struct sigaction foreign{};
    foreign.sa_handler = [](int signal) { ours.sa_sigaction(signal, nullptr, nullptr); };
    sigaction(SIGPROF, &foreign, &ours);
    const noting handler{SIGUSR1, {}};
    {
      const sigsafe::lazy::guard off;
      send(SIGPROF);
      send(SIGUSR1);
      send(SIGPROF);
      CHILD_REQUIRE(arrived.are({SIGPROF, SIGPROF}) && is_closed());
    }
    CHILD_REQUIRE(arrived.are({SIGPROF, SIGPROF, SIGUSR1}));
  });
}

BOOST_AUTO_TEST_CASE(all_handlers_of_a_signal_must_agree) {
  check_in_child([] {
    const std::string head =
        "sigsafe: cannot handle signal 27 (SIGPROF): all of its handlers must ";
    std::optional<noting> first{std::in_place, SIGPROF, test::note_arrival{}, at_once};
    CHILD_REQUIRE(refusal_of({SIGUSR1, SIGPROF}, {}) ==
                  head +
                      "agree, and others have .deferrable = false: give it to this one too, or "
                      "leave it out everywhere: Invalid argument");
    {
      const noting second{SIGPROF, {}, at_once};
      first.reset();
      const sigsafe::lazy::guard off;
      send(SIGPROF);
      CHILD_REQUIRE(arrived.size() == 1);
    }
    const noting third{SIGPROF, {}};
    CHILD_REQUIRE(
        refusal_of({SIGPROF}, at_once) ==
        head +
            "agree, and others can be deferred: leave .deferrable = false out, or give it "
            "to all: Invalid argument");
    const sigsafe::lazy::guard off;
    send(SIGPROF);
    CHILD_REQUIRE(arrived.size() == 1 && test::has_deferred());
  });
}

BOOST_AUTO_TEST_CASE(a_refused_one_changes_nothing) {
  check_in_child([] {
    const noting other{SIGUSR2, {}};
    CHILD_REQUIRE(refusal_of({SIGUSR1, SIGUSR2}, at_once) != "");
    CHILD_REQUIRE(sigsafe::detail::undeferrable().empty());
    const noting handler{SIGUSR1, {}};
    const sigsafe::lazy::guard off;
    send(SIGUSR1);
    CHILD_REQUIRE(test::has_deferred());
  });
}

BOOST_AUTO_TEST_CASE(a_handler_of_a_stop_has_no_say_in_sigcont) {
  for (bool stop_first : {false, true})
    check_in_child([stop_first] {
      std::optional<noting> on_stop;
      if (stop_first) on_stop.emplace(SIGTSTP, test::note_arrival{});
      const noting on_continue{SIGCONT, {}, at_once};
      if (!stop_first) on_stop.emplace(SIGTSTP, test::note_arrival{});
      const sigsafe::lazy::guard off;
      send(SIGCONT);
      CHILD_REQUIRE(arrived.size() == 1);
    });
}

BOOST_AUTO_TEST_CASE(to_faults_and_sigabrt_it_means_nothing) {
  check_in_child([] {
    const noting handler{{SIGSEGV, SIGABRT, SIGPROF}, {}, at_once};
    const noting plain{{SIGSEGV, SIGABRT}, {}};
    CHILD_REQUIRE(sigsafe::detail::undeferrable() == signal_set{SIGPROF});
    const std::uint32_t before = sigsafe::detail::arrivals();
    send(SIGSEGV);
    CHILD_REQUIRE(sigsafe::detail::arrivals() != before && arrived.size() == 2);
  });
}

BOOST_AUTO_TEST_CASE(once_contradicts_it) {
  check_in_child([] {
    CHILD_REQUIRE(refusal_of({SIGPROF}, {.deferrable = false, .once = true}) ==
                  "sigsafe: cannot handle signal 27 (SIGPROF): .once contradicts .deferrable = "
                  "false: such a handler may interrupt the removal of a handler; use a flag of "
                  "your own: Invalid argument");
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(with_chain_a_foreign_function_follows_inside_a_hold, B,
                              test::hosted_backends) {
  check_at_rest([] {
    test::install_foreign(SIGPROF, [](int) {
      const sigsafe::basic_guard<sigsafe::backend::posix> eager;
      const sigsafe::lazy::guard lazy;
      arrived.add(siginfo_t{});
    });
    const noting profiler{SIGPROF, {}, {.chain = true, .deferrable = false}};
    const noting handler{SIGUSR1, {}};
    {
      const basic_guard<B> off;
      send(SIGPROF);
      send(SIGUSR1);
      send(SIGPROF);
      CHILD_REQUIRE(arrived.are({SIGPROF, 0, SIGPROF, 0}));
    }
    CHILD_REQUIRE(arrived.are({SIGPROF, 0, SIGPROF, 0, SIGUSR1}));
  });
}

BOOST_AUTO_TEST_CASE(with_thread_it_is_passed_on_inside_a_hold) {
  check_in_child([] {
    static test::gate handled;
    static std::atomic<int> last_thread{0};
    const sigsafe::handler profiler{SIGPROF,
                                    [](const signal_info&) noexcept {
                                      last_thread = test::own_thread();
                                      handled.open();
                                    },
                                    {.deferrable = false, .thread = sigsafe::thread_id::current()}};
    const sigsafe::lazy::guard off;
    std::thread{[] {
      const sigsafe::lazy::guard here_too;
      send(SIGPROF);
      handled.pass();
    }}.join();
    CHILD_REQUIRE(last_thread == test::own_thread());
  });
}

BOOST_AUTO_TEST_CASE(other_options_work_with_it) {
  check_in_child([] {
    {
      const noting profiler{SIGPROF,
                            {},
                            {.alternate_stack = true,
                             .at_end = sigsafe::at_end::ignore,
                             .deferrable = false,
                             .in_child = false,
                             .restart = true}};
      const sigsafe::lazy::guard off;
      struct sigaction action;
      sigaction(SIGPROF, nullptr, &action);
      CHILD_REQUIRE((action.sa_flags & (SA_ONSTACK | SA_RESTART)) == (SA_ONSTACK | SA_RESTART));
      const pid_t child = fork();
      if (child == 0) {
        send(SIGPROF);
        _exit(0);
      }
      const int status = test::status_of(child);
      CHILD_REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF);
      send(SIGPROF);
      CHILD_REQUIRE(arrived.are({SIGPROF}));
    }
    send(SIGPROF);
    CHILD_REQUIRE(arrived.size() == 1);
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(wait_does_not_return_for_it, B, test::hosted_backends) {
  check_in_child([] {
    static test::gate profiled;
    const sigsafe::handler profiler{SIGPROF, []() noexcept { profiled.open(); }, at_once};
    const noting handler{SIGUSR1, {}};
    std::atomic<int> returns{0};
    test::sleeper thread{[&](test::sleeper& self) {
      self.begins();
      basic_guard<B> off;
      do {
        off.wait();
        ++returns;
      } while (arrived.size() == 0);
    }};
    thread.go_to_sleep();
    for (int i = 0; i < 3; ++i) {
      thread.interrupt(SIGPROF);
      profiled.pass();
      thread.await_sleep();
      CHILD_REQUIRE(returns == 0);
    }
    thread.interrupt(SIGUSR1);
    while (returns == 0) sched_yield();
    CHILD_REQUIRE(returns == 1 && arrived.size() == 1);
  });
}

BOOST_AUTO_TEST_CASE(it_is_no_news_to_other_threads) {
  check_in_child([] {
    const noting profiler{SIGPROF, {}, at_once};
    const std::uint32_t before = sigsafe::detail::arrivals();
    send(SIGPROF);
    CHILD_REQUIRE(arrived.size() == 1 && sigsafe::detail::arrivals() == before);
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_timed_wait_goes_on_for_the_time_that_is_left, B,
                              test::hosted_backends) {
  check_that_it_wakes([] {
    const noting profiler{SIGALRM, {}, at_once};
    // Ten times before the time is up, so that it never would be if it began again.
    const itimerval often{{0, 2'000}, {0, 2'000}};
    basic_guard<B> off;
    setitimer(ITIMER_REAL, &often, nullptr);
    const bool handled = off.wait_for(20ms);
    const itimerval never{};
    setitimer(ITIMER_REAL, &never, nullptr);
    CHILD_REQUIRE(!handled && arrived.size() > 0);
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_wait_leaves_it_open_behind_it, B, test::hosted_backends) {
  check_at_rest([] {
    const noting profiler{SIGPROF, {}, at_once};
    basic_guard<B> off;
    CHILD_REQUIRE(!off.wait_for(0ns) && !is_blocked(SIGPROF));
    send(SIGPROF);
    CHILD_REQUIRE(arrived.size() == 1);
  });
}

BOOST_AUTO_TEST_CASE(a_foreign_handler_in_the_same_sleep_ends_it) {
  for (bool blocks_everything : {false, true})
    check_that_it_wakes([blocks_everything] {
      const noting profiler{SIGPROF, {}, at_once};
      struct sigaction foreign{};
      foreign.sa_handler = [](int) { send(SIGPROF); };
      if (blocks_everything) sigfillset(&foreign.sa_mask);
      sigaction(SIGUSR1, &foreign, nullptr);
      sigsafe::basic_guard<sigsafe::backend::posix> off;
      send(SIGUSR1);
      CHILD_REQUIRE(arrived.size() == 0);
      off.wait();
      CHILD_REQUIRE(arrived.are({SIGPROF}));
    });
}

BOOST_AUTO_TEST_CASE(a_signal_that_becomes_deferrable_in_a_hold_is_deferred) {
  check_at_rest([] {
    std::optional<noting> profiler{std::in_place, SIGPROF, test::note_arrival{}, at_once};
    const noting handler{SIGUSR1, {}};
    {
      const sigsafe::lazy::guard off;
      send(SIGUSR1);
      std::thread{[&] {
        profiler.reset();
        profiler.emplace(SIGPROF, test::note_arrival{});
      }}.join();
      CHILD_REQUIRE(is_closed());
      send(SIGPROF);
      CHILD_REQUIRE(arrived.size() == 0 && is_blocked(SIGPROF));
    }
    CHILD_REQUIRE(arrived.are({SIGUSR1, SIGPROF}));
  });
}

BOOST_AUTO_TEST_CASE(one_that_is_no_longer_deferrable_waits_for_the_hold_that_blocks_it) {
  check_at_rest([] {
    std::optional<noting> profiler{std::in_place, SIGPROF, test::note_arrival{}};
    const noting handler{SIGUSR1, {}};
    {
      const sigsafe::lazy::guard off;
      send(SIGPROF);
      std::thread{[&] {
        profiler.reset();
        profiler.emplace(SIGPROF, test::note_arrival{}, at_once);
      }}.join();
      send(SIGUSR1);
      CHILD_REQUIRE(arrived.size() == 0 && is_blocked(SIGPROF));
    }
    CHILD_REQUIRE(arrived.are({SIGPROF, SIGUSR1}));
    const sigsafe::lazy::guard off;
    send(SIGPROF);
    CHILD_REQUIRE(arrived.size() == 3);
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_mutex_may_be_tried_in_it, B, test::hosted_backends) {
  check_at_rest([] {
    static sigsafe::mutex<int, sigsafe::futex_lock, B> shared;
    static std::atomic<int> successes{0};
    const sigsafe::handler profiler{SIGPROF,
                                    []() noexcept {
                                      if (const auto locked = shared.try_lock()) ++successes;
                                    },
                                    at_once};
    send(SIGPROF);
    CHILD_REQUIRE(successes == 1);
    const auto mine = shared.lock();
    send(SIGPROF);
    CHILD_REQUIRE(successes == 1);
  });
}

// Its default action, a stop, may take the lock.
BOOST_AUTO_TEST_CASE(a_registration_holds_its_signal_off) {
  check_at_rest([] {
    const noting profiler{SIGPROF, {}, at_once};
    {
      const sigsafe::detail::registration_lock registering;
      send(SIGPROF);
      CHILD_REQUIRE(arrived.size() == 0);
    }
    CHILD_REQUIRE(arrived.are({SIGPROF}));
    const sigsafe::guard off;
    {
      const sigsafe::detail::registration_lock registering;
      send(SIGPROF);
      CHILD_REQUIRE(arrived.size() == 1);
    }
    CHILD_REQUIRE(arrived.size() == 2 && is_closed());
  });
}

BOOST_AUTO_TEST_CASE(a_registration_holds_signals_off_by_two_system_calls) {
  const auto calls = [](handler_options options) {
    return test::count_system_calls(
        [options] { return std::make_unique<noting>(SIGPROF, test::note_arrival{}, options); },
        [](auto&) { const sigsafe::detail::registration_lock registering; });
  };
  BOOST_TEST(calls({}) == 2);
  BOOST_TEST(calls(at_once) == 2);
}

// A dispatch looks for handlers, and another thread that removes one waits for that.
BOOST_AUTO_TEST_CASE(its_default_action_waits_for_no_registration) {
  const test::child_end end = in_child(
      [] {
        const auto nothing = []() noexcept {};
        const sigsafe::handler term{SIGTERM, nothing, {.chain = true, .deferrable = false}};
        const sigsafe::detail::registration_lock registering;
        test::unblock({SIGTERM});
        send(SIGTERM);
      },
      10);
  BOOST_TEST(test::killed(end, SIGTERM, ""));
}

BOOST_AUTO_TEST_CASE(its_signal_interrupts_the_end_of_its_last_handler) {
  const auto body = [] {
    const pid_t parent = getpid();
    const pid_t sender = fork();
    if (sender == 0)
      while (kill(parent, SIGCHLD) == 0) {}
    for (int i = 0; i < 20000; ++i)
      const sigsafe::handler handler{
          SIGCHLD, []() noexcept {}, {.at_end = sigsafe::at_end::ignore, .deferrable = false}};
    kill(sender, SIGKILL);
    test::status_of(sender);
  };
  check_that_it_wakes(body);
}

#if SIGSAFE_CHECKED

BOOST_AUTO_TEST_CASE_TEMPLATE(a_lock_in_it_panics_with_both_places, B, test::hosted_backends) {
  static sigsafe::mutex<int, sigsafe::futex_lock, B> shared;
  const unsigned line = __LINE__ + 2;
  const auto end = in_child([] {
    const auto function = []() noexcept { const auto locked = shared.lock(); };
    const sigsafe::handler profiler{SIGPROF, function, at_once};
    send(SIGPROF);
  });
  const std::string file = __FILE__;
  BOOST_TEST(test::panics(end, file + ":" + std::to_string(line) +
                                   ": a handler with .deferrable = false locks a mutex"));
  BOOST_TEST(
      test::panics(end, "the handler was registered at " + file + ":" + std::to_string(line + 1)));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(every_way_to_wait_for_a_lock_panics, B, test::hosted_backends) {
  static sigsafe::raw_mutex<sigsafe::futex_lock, B> shared;
  const auto panics = [](auto lock) {
    return test::panics(in_child([lock] {
                          const sigsafe::handler profiler{SIGPROF, lock, at_once};
                          send(SIGPROF);
                        }),
                        "a handler with .deferrable = false locks a mutex");
  };
  BOOST_TEST(panics([]() noexcept { return shared.try_lock_for(1s); }));
  BOOST_TEST(
      panics([]() noexcept { return shared.try_lock_until(std::chrono::steady_clock::now()); }));
}

#endif

BOOST_AUTO_TEST_SUITE_END()
