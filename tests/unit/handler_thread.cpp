// Handlers that run on a thread of their choice.
#include <boost/test/unit_test.hpp>

#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/thread_id.hpp>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <string>
#include <thread>

#include <tests/support/arrivals.hpp>
#include <tests/support/child.hpp>
#include <tests/support/errors.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/signals.hpp>

namespace {

using sigsafe::signal_info;
using sigsafe::thread_id;
using test::arrived;
using test::check_in_child;
using test::refusal_of;

constinit std::atomic<int> last_thread{0};
test::gate handled;

struct notes_thread {
  void operator()(const signal_info& info) const noexcept {
    arrived.add(info.native());
    last_thread = test::own_thread();
    handled.open();
  }
};
using noting = sigsafe::handler<notes_thread>;

sigsafe::handler_options on_this_thread() { return {.thread = thread_id::current()}; }

/// Raises a signal on a thread of its own.
void raise_elsewhere(int signal) {
  std::thread{[signal] { raise(signal); }}.join();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(handler_thread)

BOOST_AUTO_TEST_CASE(threads_know_themselves) {
  const thread_id mine = thread_id::current();
  BOOST_TEST(mine.native() == gettid());
  BOOST_TEST((mine == thread_id::current() && mine != thread_id{}));
  std::thread{[&] { BOOST_TEST((thread_id::current() != mine)); }}.join();
}

BOOST_AUTO_TEST_CASE(a_signal_of_another_thread_is_passed_on) {
  check_in_child([] {
    const noting handler{{SIGUSR1, SIGRTMIN}, {}, on_this_thread()};
    for (int signal : {SIGUSR1, SIGRTMIN}) {
      raise_elsewhere(signal);
      handled.pass();
      CHILD_REQUIRE(last_thread == gettid());
      raise(signal);
      handled.pass();
      CHILD_REQUIRE(last_thread == gettid());
    }
    CHILD_REQUIRE(arrived.are({SIGUSR1, SIGUSR1, SIGRTMIN, SIGRTMIN}));
  });
}

BOOST_AUTO_TEST_CASE(it_comes_with_its_siginfo) {
  check_in_child([] {
    const noting handler{SIGUSR1, {}, on_this_thread()};
    std::thread{[] {
      raise(SIGUSR1);
      handled.pass();
      test::queue(SIGUSR1, 42);
      handled.pass();
    }}.join();
    CHILD_REQUIRE(arrived[0].si_code == SI_TKILL && arrived[0].si_pid == getpid());
    CHILD_REQUIRE(arrived[0].si_uid == getuid());
    CHILD_REQUIRE(arrived[1].si_code == SI_QUEUE && arrived[1].si_value.sival_int == 42);

    // What the process gets is for a thread that does not block it.
    test::block({SIGUSR1});
    std::thread{[] {
      test::unblock({SIGUSR1});
      kill(getpid(), SIGUSR1);
    }}.join();
    test::unblock({SIGUSR1});
    handled.pass();
    CHILD_REQUIRE(arrived[2].si_code == SI_USER && arrived[2].si_pid == getpid());
    CHILD_REQUIRE(last_thread == gettid());
  });
}

BOOST_AUTO_TEST_CASE(a_signal_of_the_kernel_keeps_its_code) {
  check_in_child([] {
    const noting handler{SIGCHLD, {}, on_this_thread()};
    test::block({SIGCHLD});
    pid_t child = 0;
    std::thread{[&] {
      test::unblock({SIGCHLD});
      child = fork();
      if (child == 0) _exit(42);
      test::status_of(child);
    }}.join();
    test::unblock({SIGCHLD});
    handled.pass();
    CHILD_REQUIRE(arrived[0].si_code == CLD_EXITED && arrived[0].si_status == 42);
    CHILD_REQUIRE(arrived[0].si_pid == child && last_thread == gettid());
  });
}

BOOST_AUTO_TEST_CASE(what_another_thread_has_deferred_is_passed_on) {
  check_in_child([] {
    const noting handler{SIGUSR1, {}, on_this_thread()};
    std::thread{[] {
      const sigsafe::lazy::guard off;
      raise(SIGUSR1);
    }}.join();
    handled.pass();
    CHILD_REQUIRE(last_thread == gettid());
  });
}

BOOST_AUTO_TEST_CASE(the_thread_defers_what_is_passed_on_to_it) {
  check_in_child([] {
    const noting handler{SIGUSR1, {}, on_this_thread()};
    {
      const sigsafe::lazy::guard off;
      raise_elsewhere(SIGUSR1);
      CHILD_REQUIRE(arrived.size() == 0);
    }
    handled.pass();
    CHILD_REQUIRE(arrived[0].si_code == SI_TKILL && last_thread == gettid());
  });
}

BOOST_AUTO_TEST_CASE(without_the_thread_it_runs_where_the_signal_arrived) {
  check_in_child([] {
    std::optional<noting> handler;
    std::thread{[&] { handler.emplace(SIGUSR1, notes_thread{}, on_this_thread()); }}.join();
    raise(SIGUSR1);
    handled.pass();
    CHILD_REQUIRE(last_thread == gettid());
  });
}

BOOST_AUTO_TEST_CASE(in_a_forked_child_it_runs_where_the_signal_arrived) {
  check_in_child([] {
    const noting handler{SIGUSR1, {}, on_this_thread()};
    const pid_t child = fork();
    if (child == 0) {
      std::thread{[] {
        raise(SIGUSR1);
        _exit(last_thread == gettid() && arrived.size() == 1 ? 0 : 1);
      }}.join();
    }
    CHILD_REQUIRE(test::status_of(child) == 0);
    CHILD_REQUIRE(arrived.size() == 0);
  });
}

BOOST_AUTO_TEST_CASE(all_handlers_of_a_signal_must_agree) {
  check_in_child([] {
    const std::string text =
        "sigsafe: cannot handle signal 10 (SIGUSR1): all of its handlers must "
        "have the same .thread: Invalid argument";
    std::optional<noting> first{std::in_place, SIGUSR1, notes_thread{}, on_this_thread()};
    const noting elsewhere{SIGUSR2, {}};
    CHILD_REQUIRE(refusal_of({SIGUSR1}, {}) == text);
    CHILD_REQUIRE(refusal_of({SIGHUP, SIGUSR1}, {}) == text);
    std::thread{[&] { CHILD_REQUIRE(refusal_of({SIGUSR1}, on_this_thread()) == text); }}.join();
    const noting second{SIGUSR1, {}, on_this_thread()};
    raise_elsewhere(SIGUSR1);
    for (int i = 0; i < 2; ++i) handled.pass();
    CHILD_REQUIRE(arrived.size() == 2);
    first.reset();
    CHILD_REQUIRE(refusal_of({SIGUSR1}, {}) == text);
  });
}

BOOST_AUTO_TEST_CASE(a_handler_of_a_stop_has_no_say_in_the_thread_of_sigcont) {
  for (bool stop_first : {false, true})
    check_in_child([stop_first] {
      std::optional<noting> on_stop;
      if (stop_first) on_stop.emplace(SIGTSTP, notes_thread{});
      const noting on_continue{SIGCONT, {}, on_this_thread()};
      if (!stop_first) on_stop.emplace(SIGTSTP, notes_thread{});
      raise_elsewhere(SIGCONT);
      handled.pass();
      CHILD_REQUIRE(last_thread == gettid() && arrived.size() == 1);
    });
}

BOOST_AUTO_TEST_CASE(faults_are_refused) {
  check_in_child([] {
    for (int signal : {SIGSEGV, SIGABRT})
      CHILD_REQUIRE(refusal_of({SIGINT, signal}, on_this_thread()).find(".thread is not for") !=
                    std::string::npos);
  });
}

BOOST_AUTO_TEST_SUITE_END()
