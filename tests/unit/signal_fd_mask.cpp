// signal_fd.hpp: what is blocked, where, and for how long (rule 17).
#include <boost/test/unit_test.hpp>

#include <sigsafe/signal_fd.hpp>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <tuple>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/process.hpp>
#include <sigsafe/subset_guard.hpp>
#include <sigsafe/thread.hpp>

#include <tests/support/arrivals.hpp>
#include <tests/support/backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/programs.hpp>
#include <tests/support/signals.hpp>
#include <tests/support/syscalls.hpp>

namespace {

using namespace std::chrono_literals;
using sigsafe::at_end;
using sigsafe::program_mask;
using sigsafe::signal_fd;
using sigsafe::signal_set;
using test::check_in_child;
using test::check_kills;
using test::counter;

/// What a program that is started here finds blocked.
signal_set mask_of_a_program() {
  return test::signals_in(test::output_of({"cat", "/proc/self/status"}), "SigBlk");
}

/// Runs a function in a child of fork, which must not fail.
template <class F>
void in_fork(F function) {
  const pid_t child = fork();
  CHILD_REQUIRE(child >= 0);
  if (child == 0) {
    function();
    _exit(0);
  }
  CHILD_REQUIRE(test::status_of(child) == 0);
}

/// What a foreign handler finds as the program mask.
std::atomic<std::uint64_t> seen_by_foreign{0};
void look_at_the_program_mask(int) { seen_by_foreign |= program_mask().bits(); }

/// A signal_fd and another hold that begin and end crosswise, with a signal deferred, or not,
/// before the first one begins. SIGUSR1 is in the set, SIGUSR2 is not.
template <class Hold, class Make>
void crosswise(Make make) {
  for (const bool hold_first : {true, false})
    for (const bool hold_ends_first : {true, false})
      for (const int deferred : {0, SIGUSR1, SIGUSR2}) {
        const counter usr1{SIGUSR1};
        const counter usr2{SIGUSR2};
        std::optional<signal_fd> signals;
        std::optional<Hold> hold;
        if (!hold_first) signals.emplace(signal_set{SIGUSR1});
        make(hold);
        if (deferred != 0) raise(deferred);
        // One that is deferred is not in the kernel's queue, which keeps another one beside it.
        const bool keeps_both = test::has_deferred() && deferred == SIGUSR1;
        if (hold_first) signals.emplace(signal_set{SIGUSR1});
        CHILD_REQUIRE(signal_set::blocked().contains(SIGUSR1));
        CHILD_REQUIRE(!program_mask().contains(SIGUSR1));
        if (hold_ends_first) {
          hold.reset();
          CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGUSR1});
          CHILD_REQUIRE(program_mask().empty() && usr1.runs() == 0);
          CHILD_REQUIRE(signals->read().has_value() == (deferred == SIGUSR1));
          raise(SIGUSR1);
          CHILD_REQUIRE(signals->read()->number() == SIGUSR1 && usr1.runs() == 0);
          signals.reset();
        } else {
          raise(SIGUSR1);
          signals.reset();
          CHILD_REQUIRE(program_mask().empty() && usr1.runs() == 0);
          hold.reset();
          CHILD_REQUIRE(usr1.runs() == (keeps_both ? 2 : 1));
        }
        CHILD_REQUIRE(usr2.runs() == (deferred == SIGUSR2 ? 1 : 0));
        CHILD_REQUIRE(signal_set::blocked().empty() && program_mask().empty());
        CHILD_REQUIRE(test::is_at_rest());
      }
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(signal_fd_mask, test::clean_thread)

BOOST_AUTO_TEST_CASE(it_blocks_its_set_and_nothing_else_while_it_lives) {
  check_in_child([] {
    {
      const signal_fd signals{{SIGTERM, SIGCHLD, SIGRTMIN}};
      CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGTERM, SIGCHLD, SIGRTMIN});
    }
    CHILD_REQUIRE(signal_set::blocked().empty() && test::is_at_rest());
  });
}

BOOST_AUTO_TEST_CASE(the_program_mask_does_not_have_it) {
  check_in_child([] {
    {
      const signal_fd signals{{SIGTERM, SIGCHLD}};
      CHILD_REQUIRE(program_mask().empty());
      CHILD_REQUIRE(mask_of_a_program().empty());
    }
    test::block({SIGTERM});
    CHILD_REQUIRE(program_mask() == signal_set{SIGTERM});
  });
}

BOOST_AUTO_TEST_CASE(what_the_program_had_blocked_before_stays_so) {
  check_in_child([] {
    test::block({SIGTERM, SIGHUP});
    {
      signal_fd signals{{SIGTERM, SIGCHLD}};
      CHILD_REQUIRE(program_mask() == signal_set{SIGTERM, SIGHUP});
      CHILD_REQUIRE(mask_of_a_program() == signal_set{SIGTERM, SIGHUP});
      raise(SIGTERM);
      CHILD_REQUIRE(signals.read()->number() == SIGTERM);
    }
    CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGTERM, SIGHUP});
    CHILD_REQUIRE(program_mask() == signal_set{SIGTERM, SIGHUP});
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_crosses_guards_in_every_way, B, test::hosted_backends) {
  check_in_child([] { crosswise<sigsafe::basic_guard<B>>([](auto& hold) { hold.emplace(); }); });
}

BOOST_AUTO_TEST_CASE(it_crosses_subset_guards_in_every_way) {
  check_in_child([] {
    for (const bool guard_first : {true, false})
      for (const bool guard_ends_first : {true, false}) {
        const counter usr1{SIGUSR1};
        std::optional<signal_fd> signals;
        std::optional<sigsafe::subset_guard> off;
        if (!guard_first) signals.emplace(signal_set{SIGUSR1});
        off.emplace(signal_set{SIGUSR1, SIGUSR2});
        if (guard_first) signals.emplace(signal_set{SIGUSR1});
        CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGUSR1, SIGUSR2});
        CHILD_REQUIRE(program_mask() == signal_set{SIGUSR2});
        if (guard_ends_first)
          off.reset();
        else
          signals.reset();
        CHILD_REQUIRE(signal_set::blocked().contains(SIGUSR1));
        raise(SIGUSR1);
        CHILD_REQUIRE(usr1.runs() == 0);
        off.reset();
        signals.reset();
        CHILD_REQUIRE(usr1.runs() == 1);
        CHILD_REQUIRE(signal_set::blocked().empty() && program_mask().empty());
      }
  });
}

BOOST_AUTO_TEST_CASE(a_sleep_in_a_guard_leaves_it_blocked) {
  check_in_child([] {
    signal_fd signals{{SIGUSR1}};
    const counter usr1{SIGUSR1};
    const counter usr2{SIGUSR2};
    sigsafe::guard off;
    raise(SIGUSR1);
    raise(SIGUSR2);
    off.wait();
    CHILD_REQUIRE(usr1.runs() == 0 && usr2.runs() == 1);
    CHILD_REQUIRE(signals.read()->number() == SIGUSR1);
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(one_that_is_made_in_a_blocking_call_takes_its_set, B,
                              test::hosted_backends) {
  check_in_child([] {
    const counter usr1{SIGUSR1};
    std::optional<signal_fd> signals;
    { sigsafe::basic_guard<B>{}.wait_for(0s); }
    {
      sigsafe::basic_guard<B> off;
      CHILD_REQUIRE(off.open([&](const sigset_t*) { signals.emplace(signal_set{SIGUSR1}); }));
      CHILD_REQUIRE(program_mask().empty() && mask_of_a_program().empty());
    }
    CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGUSR1});
    CHILD_REQUIRE(program_mask().empty() && mask_of_a_program().empty());
    raise(SIGUSR1);
    CHILD_REQUIRE(signals->read().has_value() && usr1.runs() == 0);
    signals.reset();
    CHILD_REQUIRE(signal_set::blocked().empty() && test::is_at_rest());
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(one_that_ends_in_a_blocking_call_opens_nothing_there, B,
                              test::hosted_backends) {
  check_in_child([] {
    const counter usr1{SIGUSR1};
    std::optional<signal_fd> signals{std::in_place, signal_set{SIGUSR1}};
    { sigsafe::basic_guard<B>{}.wait_for(0s); }
    {
      sigsafe::basic_guard<B> off;
      CHILD_REQUIRE(off.open([&](const sigset_t*) {
        raise(SIGUSR1);
        signals.reset();
        CHILD_REQUIRE(test::everything_blocked() && program_mask().empty() && usr1.runs() == 0);
      }));
    }
    CHILD_REQUIRE(usr1.runs() == 1);
    CHILD_REQUIRE(signal_set::blocked().empty() && program_mask().empty() && test::is_at_rest());
  });
}

BOOST_AUTO_TEST_CASE(sets_may_overlap) {
  check_in_child([] {
    std::optional<signal_fd> first{std::in_place, signal_set{SIGUSR1, SIGHUP}};
    std::optional<signal_fd> second{std::in_place, signal_set{SIGUSR1, SIGUSR2}};
    raise(SIGUSR1);
    CHILD_REQUIRE(second->read()->number() == SIGUSR1 && !first->read());
    CHILD_REQUIRE(program_mask().empty());
    first.reset();
    CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGUSR1, SIGUSR2});
    CHILD_REQUIRE(program_mask().empty() && mask_of_a_program().empty());
    raise(SIGUSR1);
    CHILD_REQUIRE(second->read()->number() == SIGUSR1);
    second.reset();
    CHILD_REQUIRE(signal_set::blocked().empty() && test::is_at_rest());
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(children_have_a_clean_mask, B, test::hosted_backends) {
  check_in_child([] {
    const signal_fd signals{{SIGTERM, SIGCHLD}};
    const counter usr1{SIGUSR1};
    const sigsafe::basic_guard<B> off;
    raise(SIGUSR1);
    CHILD_REQUIRE(mask_of_a_program().empty());
    in_fork([] {
      sigsafe::prepare_exec();
      CHILD_REQUIRE(signal_set::blocked().empty());
    });
  });
}

BOOST_AUTO_TEST_CASE(threads_that_start_later_block_it_and_their_children_do_not) {
  check_in_child([] {
    signal_fd signals{{SIGTERM, SIGCHLD}};
    std::thread{[] {
      CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGTERM, SIGCHLD});
      CHILD_REQUIRE(program_mask().empty() && mask_of_a_program().empty());
    }}.join();
    sigsafe::thread{[] {
      CHILD_REQUIRE(signal_set::blocked() == signal_set::maskable());
      CHILD_REQUIRE(!program_mask().contains(SIGTERM) && !mask_of_a_program().contains(SIGTERM));
    }}.join();
    sigsafe::thread{{.receives = {SIGCHLD}},
                    [] {
                      CHILD_REQUIRE(!signal_set::blocked().contains(SIGCHLD));
                      CHILD_REQUIRE(signal_set::blocked().contains(SIGTERM));
                    }}
        .join();
    while (signals.read()) {}
  });
}

BOOST_AUTO_TEST_CASE(every_thread_that_blocks_it_may_read_what_came_to_the_process) {
  check_in_child([] {
    signal_fd signals{{SIGUSR1}};
    kill(getpid(), SIGUSR1);
    std::thread{[&] { CHILD_REQUIRE(signals.read()->number() == SIGUSR1); }}.join();
    raise(SIGUSR1);
    std::thread{[&] { CHILD_REQUIRE(!signals.read()); }}.join();
    CHILD_REQUIRE(signals.read()->number() == SIGUSR1);
  });
}

BOOST_AUTO_TEST_CASE(one_that_is_made_where_the_block_was_inherited_leaves_it_there) {
  check_in_child([] {
    std::optional<signal_fd> outer{std::in_place, signal_set{SIGUSR1}};
    test::gate made;
    test::gate alone;
    std::thread other{[&] {
      std::optional<signal_fd> inner{std::in_place, signal_set{SIGUSR1, SIGUSR2}};
      made.open();
      alone.pass();
      CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGUSR1, SIGUSR2});
      CHILD_REQUIRE(program_mask().empty());
      inner.reset();
      CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGUSR1});
      CHILD_REQUIRE(program_mask() == signal_set{SIGUSR1});  // by now it is this thread's own
    }};
    made.pass();
    outer.reset();
    CHILD_REQUIRE(signal_set::blocked().empty());
    alone.open();
    other.join();
  });
}

BOOST_AUTO_TEST_CASE(at_the_end_what_is_pending_meets_its_disposition) {
  check_in_child([] {
    const counter usr1{SIGUSR1};
    {
      const signal_fd signals{{SIGUSR1}};
      raise(SIGUSR1);
      kill(getpid(), SIGUSR1);
      CHILD_REQUIRE(usr1.runs() == 0);
    }
    CHILD_REQUIRE(usr1.runs() == 2);
  });
  check_kills(SIGTERM, [] {
    const signal_fd signals{{SIGTERM}};
    raise(SIGTERM);
  });
}

BOOST_AUTO_TEST_CASE(at_the_end_it_is_dropped_if_that_is_asked_for) {
  check_in_child([] {
    {
      const signal_fd signals{{SIGTERM, SIGRTMIN}, {.at_end = at_end::ignore}};
      raise(SIGTERM);
      kill(getpid(), SIGTERM);
      for (int i = 0; i < 20; ++i) raise(SIGRTMIN);
    }
    raise(SIGTERM);
    kill(getpid(), SIGRTMIN);
    CHILD_REQUIRE(signal_set::blocked().empty() && test::is_at_rest());
    { const signal_fd again{{SIGTERM}}; }
    raise(SIGTERM);
  });
}

BOOST_AUTO_TEST_CASE(a_handler_gets_what_would_be_dropped) {
  check_in_child([] {
    const counter usr1{SIGUSR1};
    {
      const signal_fd signals{{SIGUSR1}, {.at_end = at_end::ignore}};
      raise(SIGUSR1);
    }
    CHILD_REQUIRE(usr1.runs() == 1);
  });
}

BOOST_AUTO_TEST_CASE(a_child_that_ends_then_is_not_reaped) {
  check_in_child([] {
    const pid_t child = fork();
    CHILD_REQUIRE(child >= 0);
    if (child == 0) _exit(3);
    {
      signal_fd signals{{SIGCHLD}, {.at_end = at_end::ignore}};
      siginfo_t info;
      while (waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) != 0)
        CHILD_REQUIRE(errno == EINTR);
    }
    CHILD_REQUIRE(WEXITSTATUS(test::status_of(child)) == 3);
  });
}

BOOST_AUTO_TEST_CASE(what_others_read_or_block_is_not_dropped) {
  check_in_child([] {
    test::block({SIGHUP});
    signal_fd other{{SIGTERM}};
    {
      const signal_fd signals{{SIGTERM, SIGHUP}, {.at_end = at_end::ignore}};
      raise(SIGTERM);
      raise(SIGHUP);
    }
    CHILD_REQUIRE(other.read()->number() == SIGTERM);
    CHILD_REQUIRE(signal_set::pending() == signal_set{SIGHUP});
  });
}

BOOST_AUTO_TEST_CASE(what_another_thread_reads_is_dropped_where_it_becomes_unblocked) {
  check_in_child([] {
    test::gate made;
    test::gate ended;
    std::optional<signal_fd> signals{std::in_place, signal_set{SIGTERM},
                                     sigsafe::signal_fd_options{.at_end = at_end::ignore}};
    std::thread other{[&] {
      const signal_fd own{{SIGTERM}};
      made.open();
      ended.pass();
      CHILD_REQUIRE(signal_set::blocked().contains(SIGTERM));
    }};
    made.pass();
    kill(getpid(), SIGTERM);
    signals.reset();
    CHILD_REQUIRE(signal_set::blocked().empty());
    kill(getpid(), SIGTERM);
    ended.open();
    other.join();
  });
}

BOOST_AUTO_TEST_CASE(what_is_left_of_one_that_ended_elsewhere_does_not_hinder_another) {
  check_in_child([] {
    std::unique_ptr<signal_fd> left;
    std::thread{[&] { left = std::make_unique<signal_fd>(signal_set{SIGTERM}); }}.join();
    left.reset();
    {
      const signal_fd signals{{SIGTERM}, {.at_end = at_end::ignore}};
      kill(getpid(), SIGTERM);
    }
    CHILD_REQUIRE(signal_set::blocked().empty());
  });
}

BOOST_AUTO_TEST_CASE(what_a_subset_guard_or_an_inherited_block_keeps_is_not_dropped) {
  check_in_child([] {
    const sigsafe::subset_guard off{{SIGUSR1}};
    {
      const signal_fd signals{{SIGUSR1}, {.at_end = at_end::ignore}};
      raise(SIGUSR1);
    }
    CHILD_REQUIRE(signal_fd{{SIGUSR1}}.read().has_value());
    signal_fd outer{{SIGUSR2}};
    kill(getpid(), SIGUSR2);
    std::thread{[] {
      { const signal_fd inner{{SIGUSR2}, {.at_end = at_end::ignore}}; }
      CHILD_REQUIRE(signal_set::blocked().contains(SIGUSR2));
    }}.join();
    CHILD_REQUIRE(outer.read().has_value());
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(in_a_guard_it_is_dropped_at_the_end_too, B, test::hosted_backends) {
  check_in_child([] {
    std::optional<signal_fd> signals{std::in_place, signal_set{SIGTERM},
                                     sigsafe::signal_fd_options{.at_end = at_end::ignore}};
    { sigsafe::basic_guard<B>{}.wait_for(0s); }
    {
      const sigsafe::basic_guard<B> off;
      raise(SIGTERM);
      signals.reset();
    }
    signals.emplace(signal_set{SIGHUP}, sigsafe::signal_fd_options{.at_end = at_end::ignore});
    sigsafe::basic_guard<B> off;
    CHILD_REQUIRE(off.open([&](const sigset_t*) {
      raise(SIGHUP);
      signals.reset();
      signals.emplace(signal_set{SIGINT}, sigsafe::signal_fd_options{.at_end = at_end::ignore});
      raise(SIGINT);
      signals.reset();
    }));
  });
}

BOOST_AUTO_TEST_CASE(destroyed_on_another_thread_it_leaves_the_makers_mask) {
  check_in_child([] {
    auto signals = std::make_unique<signal_fd>(signal_set{SIGUSR1});
    const int descriptor = signals->fd();
    std::thread{[&] {
      signals.reset();
      CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGUSR1});
    }}.join();
    CHILD_REQUIRE(fcntl(descriptor, F_GETFD) == -1);
    CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGUSR1});
    CHILD_REQUIRE(program_mask().empty() && mask_of_a_program().empty());
  });
}

BOOST_AUTO_TEST_CASE(a_thread_in_the_place_of_the_maker_is_not_the_maker) {
  check_in_child([] {
    std::unique_ptr<signal_fd> left;
    const void* place = nullptr;
    std::thread{[&] {
      place = &sigsafe::detail::current_thread();
      left = std::make_unique<signal_fd>(signal_set{SIGUSR1});
    }}.join();
    bool same_place = false;
    for (int i = 0; i < 100 && left != nullptr; ++i)
      std::thread{[&] {
        if (place != &sigsafe::detail::current_thread()) return;
        same_place = true;
        const signal_fd mine{{SIGUSR1}};
        left.reset();
        CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGUSR1});
      }}.join();
    if (!same_place) dprintf(STDOUT_FILENO, "no thread came to the place of another\n");
  });
}

BOOST_AUTO_TEST_CASE(destroyed_in_a_handler_it_leaves_the_mask) {
  check_in_child([] {
    std::optional<signal_fd> signals{std::in_place, signal_set{SIGUSR1}};
    const sigsafe::handler usr2{SIGUSR2, [&]() noexcept { signals.reset(); }};
    raise(SIGUSR2);
    CHILD_REQUIRE(!signals && signal_set::blocked() == signal_set{SIGUSR1});
    { const sigsafe::guard off; }  // its release does not take it for its own
    CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGUSR1});
    CHILD_REQUIRE(program_mask().empty());
  });
}

BOOST_AUTO_TEST_CASE(a_child_of_fork_reads_its_own_and_may_destroy_its_copy) {
  check_in_child([] {
    std::optional<signal_fd> signals{std::in_place, signal_set{SIGUSR1}};
    raise(SIGUSR1);
    in_fork([&] {
      CHILD_REQUIRE(!signals->read());
      CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGUSR1} && program_mask().empty());
      raise(SIGUSR1);
      const auto own = signals->read();
      CHILD_REQUIRE(own && own->sender() == getpid());
      signals.reset();
      CHILD_REQUIRE(signal_set::blocked().empty() && program_mask().empty());
    });
    const auto own = signals->read();
    CHILD_REQUIRE(own && own->sender() == getpid());
    CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGUSR1});
  });
}

BOOST_AUTO_TEST_CASE(a_foreign_handler_that_asks_meanwhile_finds_it_clean) {
  check_in_child([] {
    const test::foreign_handler usr2{SIGUSR2, look_at_the_program_mask};
    std::atomic<bool> ended{false};
    const pthread_t asked = pthread_self();
    std::thread other{[&] {
      while (!ended) {
        pthread_kill(asked, SIGUSR2);
        sched_yield();
      }
    }};
    for (int i = 0; i < 2000; ++i) const signal_fd signals{{SIGUSR1}};
    ended = true;
    other.join();
    CHILD_REQUIRE(signal_set::from_bits(seen_by_foreign) - signal_set{SIGUSR2} == signal_set{});
  });
}

BOOST_AUTO_TEST_CASE(it_makes_three_system_calls_and_two_at_the_end) {
  { const signal_fd first{{SIGUSR1}}; }  // the page of the process is there
  BOOST_TEST(test::count_system_calls([] { const signal_fd signals{{SIGUSR1}}; }) == 5);
}

BOOST_AUTO_TEST_SUITE_END()
