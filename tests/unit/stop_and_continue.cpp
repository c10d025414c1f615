// Rule 13, job control: a stop that is over when sigsafe comes to it does not stop the process.
#include <boost/test/unit_test.hpp>

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <thread>

#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/subset_guard.hpp>

#include <tests/support/arrivals.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/signals.hpp>

namespace {

using sigsafe::handler_options;

/// Runs function in a child of the child, and demands that it stops so often; the last stop is not
/// ended by anybody.
template <class F>
test::child_end stops(int times, F function) {
  return test::in_child(
      [&] {
        const pid_t stopping = fork();
        CHILD_REQUIRE(stopping >= 0);
        if (stopping == 0) {
          // In a group of its own, whose parent is in another one: an orphaned group is not
          // stopped.
          setpgid(0, 0);
          signal(SIGTSTP, SIG_DFL);
          signal(SIGCONT, SIG_DFL);
          function();
          _exit(42);
        }
        int status = 0;
        for (int i = 0; i < times; ++i) {
          status = test::status_of(stopping, WUNTRACED);
          CHILD_REQUIRE(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
          kill(stopping, SIGCONT);
        }
        status = test::status_of(stopping, WUNTRACED);
        if (WIFSTOPPED(status)) kill(stopping, SIGKILL);
        CHILD_REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 42);
      },
      20);
}

std::atomic<int> tstp_runs{0};
std::atomic<int> cont_runs{0};
void count_tstp() noexcept { ++tstp_runs; }
void count_cont() noexcept { ++cont_runs; }

/// Behind a deferral a new thread inherits that everything is blocked.
template <class F>
void on_another_thread(F function) {
  std::thread{[=] {
    test::unblock(sigsafe::signal_set::maskable());
    function();
  }}.join();
}

constexpr handler_options chaining{.chain = true};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(stop_and_continue, test::clean_thread)

BOOST_AUTO_TEST_CASE(a_deferred_stop_behind_which_a_continue_came_is_dropped) {
  BOOST_TEST(test::holds(stops(0, [] {
    const sigsafe::handler tstp{SIGTSTP, count_tstp, chaining};
    {
      const sigsafe::lazy::guard off;
      test::send(SIGTSTP);
      kill(getpid(), SIGCONT);
    }
    CHILD_REQUIRE(tstp_runs == 0);  // as with the kernel's mask
  })));
}

BOOST_AUTO_TEST_CASE(a_deferred_stop_stops_when_nothing_came_behind_it) {
  BOOST_TEST(test::holds(stops(1, [] {
    const sigsafe::handler tstp{SIGTSTP, count_tstp, chaining};
    {
      const sigsafe::lazy::guard off;
      test::send(SIGTSTP);
    }
    CHILD_REQUIRE(tstp_runs == 1);
  })));
}

BOOST_AUTO_TEST_CASE(a_continue_while_the_handler_runs_takes_the_stop_back) {
  BOOST_TEST(test::holds(stops(0, [] {
    const sigsafe::handler cont{SIGCONT, count_cont};
    const sigsafe::handler tstp{SIGTSTP,
                                []() noexcept {
                                  count_tstp();
                                  kill(getpid(), SIGCONT);
                                },
                                chaining};
    test::send(SIGTSTP);
    CHILD_REQUIRE(tstp_runs == 1 && cont_runs == 1);
  })));
}

BOOST_AUTO_TEST_CASE(a_continue_that_another_thread_takes_counts) {
  BOOST_TEST(test::holds(stops(0, [] {
    const sigsafe::handler tstp{SIGTSTP, count_tstp, chaining};
    const sigsafe::handler cont{SIGCONT, count_cont};
    {
      const sigsafe::lazy::guard off;
      test::send(SIGTSTP);
      on_another_thread([] { raise(SIGCONT); });
      CHILD_REQUIRE(cont_runs == 1);
    }
    CHILD_REQUIRE(tstp_runs == 0);
  })));
}

BOOST_AUTO_TEST_CASE(a_handler_that_takes_the_default_action_behind_a_continue_goes_on) {
  BOOST_TEST(test::holds(stops(0, [] {
    const sigsafe::handler tstp{SIGTSTP, [](const sigsafe::signal_info& info) noexcept {
                                  kill(getpid(), SIGCONT);
                                  info.take_default();
                                }};
    test::send(SIGTSTP);
  })));
}

// The program has no handler of SIGCONT itself.
BOOST_AUTO_TEST_CASE(a_continue_without_a_handler_counts) {
  BOOST_TEST(test::holds(stops(0, [] {
    const sigsafe::handler tstp{SIGTSTP, count_tstp, chaining};
    {
      const sigsafe::lazy::guard off;
      test::send(SIGTSTP);
      on_another_thread([] { raise(SIGCONT); });
    }
    CHILD_REQUIRE(tstp_runs == 0);
  })));
}

BOOST_AUTO_TEST_CASE(a_stop_that_is_queued_again_takes_no_continue_back) {
  BOOST_TEST(test::holds(stops(0, [] {
    const sigsafe::handler tstp{SIGTSTP, count_tstp, chaining};
    const sigsafe::handler cont{SIGCONT, count_cont};
    {
      std::optional<sigsafe::subset_guard> subset;
      {
        const sigsafe::lazy::guard off;
        test::send(SIGTSTP);
        subset.emplace(sigsafe::signal_set{SIGTSTP, SIGCONT});
        kill(getpid(), SIGCONT);
      }
      CHILD_REQUIRE(cont_runs == 0);
    }
    CHILD_REQUIRE(tstp_runs == 0 && cont_runs == 1);
  })));
}

BOOST_AUTO_TEST_CASE(what_the_program_had_for_continues_stays) {
  BOOST_TEST(test::holds(test::in_child([] {
    const auto action = [](int signal) {
      struct sigaction found;
      sigaction(signal, nullptr, &found);
      return found.sa_handler;
    };
    test::install_foreign(SIGCONT, [](int) { count_cont(); });
    const auto before = action(SIGCONT);
    {
      const sigsafe::handler tstp{SIGTSTP, count_tstp};
      raise(SIGCONT);
      CHILD_REQUIRE(cont_runs == 1);
      {
        const sigsafe::handler own{SIGCONT, []() noexcept { cont_runs += 10; }};
        raise(SIGCONT);
        CHILD_REQUIRE(cont_runs == 11);
      }
      raise(SIGCONT);
      CHILD_REQUIRE(cont_runs == 12);
    }
    CHILD_REQUIRE(action(SIGCONT) == before);
  })));
}

BOOST_AUTO_TEST_SUITE_END()
