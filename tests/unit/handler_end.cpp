// What signals meet when handlers have ended.
#include <boost/test/unit_test.hpp>

#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

#include <tests/support/child.hpp>
#include <tests/support/foreign.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/signals.hpp>

namespace {

using test::arrived;

using noting = sigsafe::handler<test::note_arrival>;

constexpr sigsafe::handler_options ignoring{.at_end = sigsafe::at_end::ignore};

using test::check_in_child;
using test::check_kills;

struct sigaction action_of(int signal) {
  struct sigaction action;
  CHILD_REQUIRE(sigaction(signal, nullptr, &action) == 0);
  return action;
}

using test::count_foreign;
using test::foreign_calls;
using test::install_foreign_that_chains;

}  // namespace

BOOST_AUTO_TEST_SUITE(handler_end)

BOOST_AUTO_TEST_CASE(the_disposition_comes_back_by_default) {
  check_kills(SIGALRM, [] {
    { const noting on_alarm{SIGALRM, {}}; }
    raise(SIGALRM);
  });
}

BOOST_AUTO_TEST_CASE(a_timer_that_still_runs_does_not_kill_with_at_end_ignore) {
  check_in_child([] {
    { const noting on_alarm{SIGALRM, {}, ignoring}; }
    raise(SIGALRM);
    CHILD_REQUIRE(arrived.size() == 0);
    CHILD_REQUIRE(action_of(SIGALRM).sa_handler == SIG_IGN);
  });
}

BOOST_AUTO_TEST_CASE(what_is_pending_is_dropped_with_at_end_ignore) {
  check_in_child([] {
    for (int signal : {SIGUSR1, SIGCHLD, SIGRTMIN}) {
      test::block({signal});
      {
        const noting handler{signal, {}, ignoring};
        raise(signal);
      }
      test::unblock({signal});
      {
        const sigsafe::lazy::guard off;
        const noting handler{signal, {}, ignoring};
        raise(signal);
      }
    }
    CHILD_REQUIRE(arrived.size() == 0);
    CHILD_REQUIRE(sigsafe::signal_set::blocked().empty());
  });
}

BOOST_AUTO_TEST_CASE(another_one_in_its_place_loses_no_life_with_at_end_ignore) {
  for (int signal : {SIGUSR1, SIGCHLD})
    check_in_child([signal] {
      std::atomic<bool> stop{false};
      std::atomic<long> sent{0};
      auto count = [calls = 0]() mutable noexcept { ++calls; };
      std::optional<sigsafe::handler<decltype(count)>> handler;
      handler.emplace(signal, count, ignoring);
      std::thread sending{[&] {
        while (!stop) {
          kill(getpid(), signal);
          ++sent;
        }
      }};
      for (int i = 0; i < 500 || sent < 500; ++i) handler.emplace(signal, count, ignoring);
      handler.reset();
      stop = true;
      sending.join();
    });
}

BOOST_AUTO_TEST_CASE(another_one_in_its_place_handles_and_chains_as_the_first_did) {
  check_in_child([] {
    signal(SIGUSR1, count_foreign);
    constexpr sigsafe::handler_options chaining{.at_end = sigsafe::at_end::ignore, .chain = true};
    std::optional<noting> handler{std::in_place, SIGUSR1, test::note_arrival{}, chaining};
    for (int i = 1; i <= 3; ++i) {
      raise(SIGUSR1);
      CHILD_REQUIRE(arrived.size() == i && foreign_calls == i);
      handler.emplace(SIGUSR1, test::note_arrival{}, chaining);
    }
  });
}

BOOST_AUTO_TEST_CASE(children_keep_their_status_with_at_end_ignore) {
  check_in_child([] {
    { const noting on_child{SIGCHLD, {}, ignoring}; }
    const pid_t child = fork();
    if (child == 0) _exit(42);
    const int status = test::status_of(child);
    CHILD_REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    CHILD_REQUIRE(arrived.size() == 0);
  });
}

BOOST_AUTO_TEST_CASE(a_foreign_handler_of_sigchld_is_not_called_after_at_end_ignore) {
  check_in_child([] {
    signal(SIGCHLD, count_foreign);
    { const noting on_child{SIGCHLD, {}, ignoring}; }
    raise(SIGCHLD);
    CHILD_REQUIRE(foreign_calls == 0);
  });
}

BOOST_AUTO_TEST_CASE(one_that_wants_to_be_ignored_at_its_end_is_enough) {
  for (bool ignoring_first : {true, false})
    check_in_child([ignoring_first] {
      std::optional<noting> with{std::in_place, SIGUSR1, test::note_arrival{}, ignoring};
      std::optional<noting> without{std::in_place, SIGUSR1, test::note_arrival{}};
      (ignoring_first ? with : without).reset();
      raise(SIGUSR1);
      CHILD_REQUIRE(arrived.size() == 1);
      (ignoring_first ? without : with).reset();
      raise(SIGUSR1);
      { const noting later{SIGUSR1, {}}; }
      raise(SIGUSR1);
      CHILD_REQUIRE(arrived.size() == 1);
    });
}

BOOST_AUTO_TEST_CASE(what_other_code_installs_after_that_comes_back_as_ever) {
  check_in_child([] {
    { const noting handler{SIGUSR1, {}, ignoring}; }
    signal(SIGUSR1, count_foreign);
    { const noting handler{SIGUSR1, {}}; }
    raise(SIGUSR1);
    CHILD_REQUIRE(foreign_calls == 1);
  });
  check_kills(SIGUSR1, [] {
    { const noting handler{SIGUSR1, {}, ignoring}; }
    signal(SIGUSR1, SIG_DFL);
    { const noting handler{SIGUSR1, {}}; }
    raise(SIGUSR1);
  });
}

BOOST_AUTO_TEST_CASE(what_has_replaced_a_handler_and_calls_it_finds_the_signal_ignored) {
  check_in_child([] {
    {
      const noting handler{SIGUSR1, {}, ignoring};
      install_foreign_that_chains(SIGUSR1);
    }
    raise(SIGUSR1);
    CHILD_REQUIRE(foreign_calls == 1);
  });
  check_in_child([] {  // after its end, which SIGCHLD can be
    { const noting handler{SIGCHLD, {}, ignoring}; }
    install_foreign_that_chains(SIGCHLD);
    { const noting handler{SIGCHLD, {}}; }
    raise(SIGCHLD);
    CHILD_REQUIRE(foreign_calls == 1);
  });
}

BOOST_AUTO_TEST_CASE(a_fault_cannot_be_ignored_at_the_end) {
  check_in_child([] {
    std::string text;
    try {
      const noting handler{{SIGTERM, SIGFPE}, {}, ignoring};
    } catch (const std::system_error& error) {
      CHILD_REQUIRE(error.code() == std::errc::invalid_argument);
      text = error.what();
    }
    CHILD_REQUIRE(
        text.starts_with("sigsafe: cannot handle signal 8 (SIGFPE): .at_end = ignore is "
                         "not for faults"));
    CHILD_REQUIRE(action_of(SIGTERM).sa_handler == SIG_DFL);
  });
}

BOOST_AUTO_TEST_SUITE_END()
