// exit(3) in handlers, and handlers that are destroyed by it.
#include <boost/test/unit_test.hpp>

#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>

#include <sched.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <optional>
#include <thread>

#include <tests/support/arrivals.hpp>
#include <tests/support/child.hpp>
#include <tests/support/signals.hpp>
#include <tests/support/sleeping.hpp>

namespace {

/// Runs function in a process of its own, and demands that it exits with this status.
template <class F>
void check_exits(int status, F function) {
  const test::child_end end = test::in_child(function, 20);
  BOOST_CHECK_MESSAGE(
      !end.hung && WIFEXITED(end.status) && WEXITSTATUS(end.status) == status && end.errors.empty(),
      end);
}

struct exits {
  int status;
  void operator()() const noexcept { std::exit(status); }
};
using exiting = sigsafe::handler<exits>;

struct runs {
  void (*function)() noexcept;
  void operator()() const noexcept { function(); }
};
using running = sigsafe::handler<runs>;

// Of a child of its own, each time.
std::optional<running> first_static;
std::optional<running> second_static;

test::gate inside;
test::gate never;
void stay() noexcept {
  inside.open();
  never.pass();
}

void end_first_static() noexcept { first_static.reset(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(handler_exit)

BOOST_AUTO_TEST_CASE(a_handler_may_call_exit) {
  check_exits(7, [] {
    static const exiting handler{SIGUSR1, exits{7}};
    raise(SIGUSR1);
  });
  check_exits(8, [] {
    static const auto handler = std::make_unique<exiting>(SIGUSR1, exits{8});
    raise(SIGUSR1);
  });
  check_exits(9, [] {
    static const exiting handler{{SIGUSR1, SIGUSR2}, exits{9}};
    raise(SIGUSR2);
  });
  check_exits(10, [] {  // an automatic one is not destroyed
    const exiting handler{SIGUSR1, exits{10}};
    raise(SIGUSR1);
  });
}

BOOST_AUTO_TEST_CASE(a_handler_may_call_exit_at_the_release_of_a_lazy_guard) {
  check_exits(7, [] {
    static const exiting handler{SIGUSR1, exits{7}};
    const sigsafe::lazy::guard off;
    raise(SIGUSR1);
  });
}

BOOST_AUTO_TEST_CASE(a_handler_may_call_exit_in_what_it_interrupted) {
  check_exits(7, [] {
    static const exiting of_fault{SIGTRAP, exits{7}};
    static const running handler{SIGUSR1, runs{[]() noexcept { raise(SIGTRAP); }}};
    raise(SIGUSR1);
  });
}

// Before release 2.41 of glibc two threads run the functions of exit side by side, without a lock
// for all of it: so the first one stays in one of them until the second has come through, or sleeps
// because it is not let in.
BOOST_AUTO_TEST_CASE(two_handlers_may_call_exit_at_once) {
  check_exits(7, [] {
    static std::atomic<bool> first_is_in{false};
    static std::atomic<pid_t> second_id{0};
    first_static.emplace(SIGUSR1, runs{[]() noexcept { std::exit(7); }});
    second_static.emplace(SIGUSR2, runs{[]() noexcept {
                            while (!first_is_in.load()) sched_yield();
                            std::exit(7);
                          }});
    std::atexit([] {
      if (!first_is_in.exchange(true)) test::await_sleep(second_id.load(), [] { return false; });
    });
    std::atomic<bool> second_is_in{false};
    std::thread other{[&] {
      second_id = test::own_thread();
      second_is_in = true;
      raise(SIGUSR2);
    }};
    other.detach();
    while (!second_is_in.load()) sched_yield();
    raise(SIGUSR1);
  });
}

// Some C libraries let only one thread into exit, and the others sleep there.
BOOST_AUTO_TEST_CASE(exit_does_not_wait_for_a_thread_that_stays_in_a_handler) {
  check_exits(7, [] {
    first_static.emplace(SIGUSR1, runs{&stay});
    std::thread other{[] { raise(SIGUSR1); }};
    other.detach();
    inside.pass();
    std::exit(7);
  });
  check_exits(7, [] {
    first_static.emplace(SIGUSR1, runs{&stay});
    second_static.emplace(SIGUSR2, runs{[]() noexcept { std::exit(7); }});
    std::thread other{[] { raise(SIGUSR1); }};
    other.detach();
    inside.pass();
    raise(SIGUSR2);
  });
  check_exits(7, [] {
    static const running of_set{{SIGUSR1, SIGUSR2}, runs{&stay}};
    std::thread other{[] { raise(SIGUSR2); }};
    other.detach();
    inside.pass();
    std::exit(7);
  });
}

BOOST_AUTO_TEST_CASE(a_handler_that_begins_and_ends_in_exit_is_waited_for) {
  check_exits(7, [] {
    std::atexit([] {
      bool out = false;
      test::gate in;
      test::gate leave;
      const auto function = [&]() noexcept {
        in.open();
        leave.pass();
        out = true;
      };
      std::optional<std::thread> raising;
      std::optional<std::thread> opening;
      {
        const sigsafe::handler handler{SIGUSR1, function};
        raising.emplace([] { raise(SIGUSR1); });
        in.pass();
        opening.emplace([&, ending = gettid()] {
          test::await_sleep(ending, [] { return false; });
          leave.open();
        });
      }
      if (!out) _exit(1);
      raising->join();
      opening->join();
    });
    std::exit(7);
  });
}

BOOST_AUTO_TEST_CASE(one_that_is_destroyed_inside_itself_panics_during_exit_too) {
  const test::child_end end = test::in_child([] {
    std::atexit([] {
      first_static.emplace(SIGUSR1, runs{&end_first_static});
      raise(SIGUSR1);
    });
    std::exit(7);
  });
  BOOST_CHECK_MESSAGE(end.panicked_with("a handler was destroyed inside itself"), end);
}

BOOST_AUTO_TEST_SUITE_END()
