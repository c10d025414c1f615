// The options of handlers that have no file of their own; handler.cpp has the first ones.
#include <boost/test/unit_test.hpp>

#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>

#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <optional>
#include <string>
#include <thread>

#include <tests/support/arrivals.hpp>
#include <tests/support/child.hpp>
#include <tests/support/errors.hpp>
#include <tests/support/foreign.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/signals.hpp>

namespace {

using sigsafe::signal_set;
using test::arrived;
using test::check_in_child;
using test::check_kills;
using test::count_foreign;
using test::foreign_calls;
using test::refusal_of;

using noting = sigsafe::handler<test::note_arrival>;

bool is_default(int signal) {
  struct sigaction action;
  CHILD_REQUIRE(sigaction(signal, nullptr, &action) == 0);
  return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_DFL;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(handler_once)

namespace {

constexpr sigsafe::handler_options once{.once = true};

}  // namespace

BOOST_AUTO_TEST_CASE(the_second_signal_meets_what_stood_there_before) {
  check_in_child([] {
    signal(SIGUSR1, count_foreign);
    const noting handler{SIGUSR1, {}, once};
    CHILD_REQUIRE(handler.active());
    raise(SIGUSR1);
    CHILD_REQUIRE(arrived.size() == 1 && foreign_calls == 0);
    CHILD_REQUIRE(!handler.active());
    raise(SIGUSR1);
    CHILD_REQUIRE(arrived.size() == 1 && foreign_calls == 1);
  });
  check_kills(SIGINT, [] {
    const noting handler{SIGINT, {}, once};
    raise(SIGINT);
    CHILD_REQUIRE(is_default(SIGINT));
    raise(SIGINT);
  });
}

BOOST_AUTO_TEST_CASE(at_the_release_of_a_lazy_guard_it_is_the_same) {
  check_in_child([] {
    signal(SIGUSR1, count_foreign);
    const noting handler{SIGUSR1, {}, once};
    {
      const sigsafe::lazy::guard off;
      raise(SIGUSR1);
      raise(SIGUSR1);
    }
    CHILD_REQUIRE(arrived.size() == 1 && foreign_calls == 1);
  });
}

BOOST_AUTO_TEST_CASE(others_go_on) {
  check_in_child([] {
    const noting oldest{SIGUSR1, {}};
    const noting handler{SIGUSR1, {}, {.once = true, .restart = true}};
    const noting newest{SIGUSR1, {}, once};
    for (int expected : {3, 4, 5}) {
      raise(SIGUSR1);
      CHILD_REQUIRE(arrived.size() == expected);
    }
    CHILD_REQUIRE(oldest.active() && !handler.active() && !newest.active());
  });
}

BOOST_AUTO_TEST_CASE(the_flags_are_then_those_of_the_others) {
  check_in_child([] {
    const noting stays{SIGUSR1, {}, {.restart = true}};
    const noting handler{SIGUSR1, {}, once};
    struct sigaction action;
    sigaction(SIGUSR1, nullptr, &action);
    CHILD_REQUIRE((action.sa_flags & SA_RESTART) == 0);
    raise(SIGUSR1);
    sigaction(SIGUSR1, nullptr, &action);
    CHILD_REQUIRE((action.sa_flags & SA_RESTART) != 0);
  });
}

BOOST_AUTO_TEST_CASE(a_handler_for_a_set_is_called_once_in_all) {
  check_in_child([] {
    signal(SIGUSR2, count_foreign);
    const noting handler{{SIGUSR1, SIGUSR2}, {}, once};
    raise(SIGUSR1);
    raise(SIGUSR2);
    CHILD_REQUIRE(arrived.are({SIGUSR1}) && foreign_calls == 1);
    CHILD_REQUIRE(is_default(SIGUSR1));
  });
}

BOOST_AUTO_TEST_CASE(with_at_end_ignore_the_second_signal_is_dropped) {
  check_in_child([] {
    const noting handler{SIGUSR1, {}, {.at_end = sigsafe::at_end::ignore, .once = true}};
    for (int i = 0; i < 3; ++i) raise(SIGUSR1);
    CHILD_REQUIRE(arrived.size() == 1);
  });
}

BOOST_AUTO_TEST_CASE(it_may_chain_once) {
  check_in_child([] {
    signal(SIGUSR1, count_foreign);
    const noting handler{SIGUSR1, {}, {.chain = true, .once = true}};
    raise(SIGUSR1);
    CHILD_REQUIRE(arrived.size() == 1 && foreign_calls == 1);
    raise(SIGUSR1);
    CHILD_REQUIRE(arrived.size() == 1 && foreign_calls == 2);
  });
}

BOOST_AUTO_TEST_CASE(it_may_be_destroyed_while_it_is_called) {
  check_in_child([] {
    for (int i = 0; i < 200; ++i) {
      foreign_calls = 0;
      std::atomic<int> calls{0};
      std::barrier together{2};
      const auto count = [&]() noexcept { ++calls; };
      std::optional<sigsafe::handler<decltype(count)>> handler;
      signal(SIGUSR1, count_foreign);
      handler.emplace(SIGUSR1, count, once);
      std::thread raising{[&] {
        together.arrive_and_wait();
        raise(SIGUSR1);
      }};
      together.arrive_and_wait();
      handler.reset();
      raising.join();
      CHILD_REQUIRE(calls + foreign_calls == 1);
    }
  });
}

BOOST_AUTO_TEST_CASE(of_two_threads_one_calls_it) {
  check_in_child([] {
    signal(SIGUSR1, count_foreign);
    for (int i = 0; i < 200; ++i) {
      foreign_calls = 0;
      std::atomic<int> calls{0};
      std::barrier together{2};
      const sigsafe::handler handler{SIGUSR1, [&]() noexcept { ++calls; }, once};
      const auto receive = [&] {
        together.arrive_and_wait();
        raise(SIGUSR1);
      };
      std::thread one{receive};
      std::thread other{receive};
      one.join();
      other.join();
      CHILD_REQUIRE(calls == 1 && foreign_calls == 1);
    }
  });
}

BOOST_AUTO_TEST_CASE(a_signal_that_comes_while_it_runs_elsewhere_does_not_call_it) {
  for (bool ignored : {false, true})
    check_in_child([ignored] {
      signal(SIGUSR1, count_foreign);
      test::gate inside;
      test::gate leave;
      std::atomic<int> calls{0};
      const auto stay = [&]() noexcept {
        ++calls;
        inside.open();
        leave.pass();
      };
      const auto at_end = ignored ? sigsafe::at_end::ignore : sigsafe::at_end::restore;
      const sigsafe::handler handler{SIGUSR1, stay, {.at_end = at_end, .once = true}};
      std::thread one{[] { raise(SIGUSR1); }};
      inside.pass();
      raise(SIGUSR1);
      CHILD_REQUIRE(calls == 1 && foreign_calls == (ignored ? 0 : 1));
      leave.open();
      one.join();
      CHILD_REQUIRE(calls == 1);
    });
}

BOOST_AUTO_TEST_CASE(faults_are_refused) {
  check_in_child([] {
    for (int signal : {SIGSEGV, SIGABRT}) {
      CHILD_REQUIRE(refusal_of({SIGINT, signal}, once)
                        .starts_with("sigsafe: cannot handle signal " + std::to_string(signal)));
      CHILD_REQUIRE(refusal_of({signal}, once).find(": .once is not for faults and SIGABRT") !=
                    std::string::npos);
      CHILD_REQUIRE(is_default(SIGINT));
    }
  });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(handler_respect_ignored)

namespace {

constexpr sigsafe::handler_options respecting{.respect_ignored = true};

}  // namespace

BOOST_AUTO_TEST_CASE(a_signal_that_is_ignored_stays_ignored) {
  check_in_child([] {
    signal(SIGHUP, SIG_IGN);
    {
      const noting handler{SIGHUP, {}, respecting};
      CHILD_REQUIRE(!handler.active());
      raise(SIGHUP);
    }
    raise(SIGHUP);
    CHILD_REQUIRE(arrived.size() == 0);
  });
}

BOOST_AUTO_TEST_CASE(a_signal_that_is_not_ignored_is_handled) {
  check_in_child([] {
    const noting handler{SIGHUP, {}, respecting};
    CHILD_REQUIRE(handler.active());
    raise(SIGHUP);
    CHILD_REQUIRE(arrived.size() == 1);
  });
}

BOOST_AUTO_TEST_CASE(a_handler_for_a_set_is_registered_for_the_others) {
  check_in_child([] {
    signal(SIGHUP, SIG_IGN);
    const noting handler{{SIGHUP, SIGTERM}, {}, respecting};
    CHILD_REQUIRE(handler.active());
    raise(SIGHUP);
    raise(SIGTERM);
    CHILD_REQUIRE(arrived.are({SIGTERM}));
  });
}

BOOST_AUTO_TEST_CASE(what_a_handler_has_left_ignored_is_no_wish_of_the_program) {
  check_in_child([] {
    constexpr sigsafe::handler_options both{.at_end = sigsafe::at_end::ignore,
                                            .respect_ignored = true};
    std::optional<noting> handler{std::in_place, SIGHUP, test::note_arrival{}, both};
    handler.emplace(SIGHUP, test::note_arrival{}, both);
    CHILD_REQUIRE(handler->active());
  });
  check_in_child([] {  // but what it was before is
    constexpr auto ignore = sigsafe::at_end::ignore;
    signal(SIGHUP, SIG_IGN);
    { const noting handler{SIGHUP, {}, {.at_end = ignore}}; }
    const noting handler{SIGHUP, {}, {.at_end = ignore, .respect_ignored = true}};
    CHILD_REQUIRE(!handler.active());
  });
}

BOOST_AUTO_TEST_SUITE_END()
