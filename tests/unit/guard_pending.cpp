// guard.hpp: what waits for an eager guard when its thread goes to sleep.
#include <boost/test/unit_test.hpp>

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <memory>

#include <sigsafe/alternate_stack.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>

#include <tests/support/arrivals.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/signals.hpp>
#include <tests/support/syscalls.hpp>

namespace {

using namespace std::chrono_literals;
using sigsafe::wake;
using test::arrived;
using test::counter;
using test::in_child;

constinit volatile int foreign_calls = 0;

void foreign(int, siginfo_t*, void* context) {
  CHILD_REQUIRE(context != nullptr);  // of the frame that the kernel has built
  foreign_calls = foreign_calls + 1;
}

void install_foreign() {
  struct sigaction action{};
  action.sa_sigaction = foreign;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGUSR1, &action, nullptr);
}

/// A guard, with a signal that waits for it, and what the first sleep of a thread makes.
struct waiting {
  explicit waiting(int signal) : handler(signal) {
    off.wait_for(0s);
    test::send(signal);
  }
  counter handler;
  sigsafe::guard off;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(guard_pending, test::clean_thread)

// The one that closes the mask, the one that takes the signal, the disposition, and ppoll: no
// return from a frame.
BOOST_AUTO_TEST_CASE(what_is_pending_runs_without_a_frame) {
  BOOST_TEST(test::count_system_calls([] { return std::make_unique<waiting>(SIGUSR1); },
                                      [](auto& on) {
                                        on->off.wait();
                                        CHILD_REQUIRE(on->handler.runs() == 1);
                                      }) == 4);
}

BOOST_AUTO_TEST_CASE(without_handlers_nothing_is_looked_for) {
  const auto prepare = [] {
    auto off = std::make_unique<sigsafe::guard>();
    off->wait_for(0s);
    return off;
  };
  BOOST_TEST(test::count_system_calls(prepare, [](auto& off) { off->wait_for(0s); }) == 2);
}

BOOST_AUTO_TEST_CASE(its_siginfo_is_whole) {
  BOOST_TEST(test::holds(test::in_resting_child([] {
    const sigsafe::handler usr1{SIGUSR1, test::note_arrival{}};
    sigsafe::guard off;
    test::queue(SIGUSR1, 42);
    off.wait();
    CHILD_REQUIRE(arrived.are({SIGUSR1}) && arrived.have_values({42}));
    test::send(SIGUSR1);
    off.wait();
    CHILD_REQUIRE(arrived.size() == 2 && arrived[1].si_code == SI_TKILL);
    kill(getpid(), SIGUSR1);
    off.wait();
    CHILD_REQUIRE(arrived.size() == 3 && arrived[2].si_code == SI_USER);
  })));
}

BOOST_AUTO_TEST_CASE(none_of_several_that_are_pending_is_missed) {
  BOOST_TEST(test::holds(test::in_resting_child([] {
    const sigsafe::handler all{{SIGUSR1, SIGUSR2, SIGRTMIN}, test::note_arrival{}};
    sigsafe::guard off;
    for (const int signal : {SIGUSR2, SIGRTMIN, SIGUSR1}) test::send(signal);
    while (arrived.size() < 3) off.wait();
    CHILD_REQUIRE(off.wait_for(0s) == false);
  })));
}

// A storm would otherwise be handled twice in each turn, the second time in a frame.
BOOST_AUTO_TEST_CASE(one_that_comes_again_meanwhile_waits_for_the_next_sleep) {
  BOOST_TEST(test::holds(test::in_resting_child([] {
    static int runs = 0;
    const sigsafe::handler usr1{SIGUSR1, []() noexcept {
                                  if (++runs < 3) test::send(SIGUSR1);
                                }};
    const counter usr2{SIGUSR2};
    sigsafe::guard off;
    test::send(SIGUSR1);
    test::send(SIGUSR2);
    off.wait();
    CHILD_REQUIRE(runs == 1 && usr2.runs() == 1);  // the other one has its turn
    off.wait();
    off.wait();
    CHILD_REQUIRE(runs == 3);
  })));
}

BOOST_AUTO_TEST_CASE(its_handlers_may_use_guards_and_find_nothing_held) {
  BOOST_TEST(test::holds(test::in_resting_child([] {
    static int runs = 0;
    const sigsafe::handler usr1{SIGUSR1, []() noexcept {
                                  CHILD_REQUIRE(test::everything_blocked());
                                  CHILD_REQUIRE(sigsafe::detail::current_thread().held.load() == 0);
                                  const sigsafe::guard eager;
                                  const sigsafe::lazy::guard lazy;
                                  ++runs;
                                }};
    sigsafe::guard off;
    test::send(SIGUSR1);
    off.wait();
    CHILD_REQUIRE(runs == 1 && test::everything_blocked());
  })));
}

BOOST_AUTO_TEST_CASE(what_the_program_blocks_goes_on_waiting) {
  BOOST_TEST(test::holds(in_child([] {
    const counter usr1{SIGUSR1};
    test::block({SIGUSR1});
    sigsafe::guard off;
    test::send(SIGUSR1);
    off.wait_for(0s);
    CHILD_REQUIRE(usr1.runs() == 0 && sigsafe::signal_set::pending().contains(SIGUSR1));
  })));
}

BOOST_AUTO_TEST_CASE(one_whose_handler_wants_its_stack_gets_it) {
  BOOST_TEST(test::holds(in_child([] {
    const sigsafe::alternate_stack stack;
    static bool on_it = false;
    const sigsafe::handler usr1{SIGUSR1,
                                []() noexcept {
                                  stack_t now;
                                  sigaltstack(nullptr, &now);
                                  on_it = (now.ss_flags & SS_ONSTACK) != 0;
                                },
                                {.alternate_stack = true}};
    sigsafe::guard off;
    test::send(SIGUSR1);
    off.wait();
    CHILD_REQUIRE(on_it);
  })));
}

BOOST_AUTO_TEST_CASE(one_whose_handler_other_code_has_replaced_goes_there) {
  BOOST_TEST(test::holds(in_child([] {
    const counter usr1{SIGUSR1};
    install_foreign();
    sigsafe::guard off;
    test::send(SIGUSR1);
    off.wait();
    CHILD_REQUIRE(usr1.runs() == 0 && foreign_calls == 1);
  })));
}

BOOST_AUTO_TEST_CASE(in_a_child_for_which_there_is_no_handler_it_goes_to_what_was_before) {
  BOOST_TEST(test::holds(in_child([] {
    install_foreign();
    static int runs = 0;
    const sigsafe::handler usr1{SIGUSR1, []() noexcept { ++runs; }, {.in_child = false}};
    CHILD_REQUIRE(test::holds(in_child([] {
      sigsafe::guard off;
      test::send(SIGUSR1);
      off.wait();
      CHILD_REQUIRE(runs == 0 && foreign_calls == 1);
    })));
  })));
}

BOOST_AUTO_TEST_CASE(a_descriptor_that_is_ready_is_told_of_beside_it) {
  BOOST_TEST(test::holds(in_child([] {
    int ends[2];
    CHILD_REQUIRE(pipe(ends) == 0 && write(ends[1], "", 1) == 1);
    const counter usr1{SIGUSR1};
    sigsafe::guard off;
    test::send(SIGUSR1);
    std::array<pollfd, 1> asked{{{ends[0], POLLIN, 0}}};
    const sigsafe::poll_result first = off.poll(asked);
    CHILD_REQUIRE(first == wake::ready && first.ready == 1 && usr1.runs() == 1);
    asked[0].fd = -1;
    CHILD_REQUIRE(off.poll(asked, 0s) == wake::handler);  // told of once
    CHILD_REQUIRE(off.poll(asked, 0s) == wake::timeout);
  })));
}

BOOST_AUTO_TEST_SUITE_END()
