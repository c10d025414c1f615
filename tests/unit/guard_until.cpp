// guard.hpp: sleeps that end with a predicate or at a time point, and blocking calls of the caller.
#include <boost/test/unit_test.hpp>

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/process.hpp>
#include <sigsafe/subset_guard.hpp>

#include <tests/support/arrivals.hpp>
#include <tests/support/backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/programs.hpp>
#include <tests/support/signals.hpp>
#include <tests/support/sleeper.hpp>

namespace {

using namespace std::chrono_literals;
using sigsafe::basic_guard;
using sigsafe::program_mask;
using sigsafe::signal_set;
using sigsafe::wake;
using std::chrono::steady_clock;
using std::chrono::system_clock;
using test::counter;
using test::in_child;

/// Ticks every millisecond, so that no sleep lasts longer.
struct ticking {
  ticking() {
    const itimerval tick{{0, 1000}, {0, 1000}};
    setitimer(ITIMER_REAL, &tick, nullptr);
  }
  ~ticking() {
    const itimerval none{};
    setitimer(ITIMER_REAL, &none, nullptr);
  }
  [[nodiscard]] int ticks() const { return alarm_.runs(); }

 private:
  counter alarm_{SIGALRM};
};

struct two_ends {
  two_ends() { CHILD_REQUIRE(pipe(ends) == 0); }
  [[nodiscard]] std::array<pollfd, 2> fds() const {
    return {pollfd{ends[0], POLLIN, 0}, pollfd{ends[1], 0, 0}};
  }
  void fill() const { CHILD_REQUIRE(write(ends[1], "", 1) == 1); }
  int ends[2] = {};
};

/// The first sleep of a thread may be told of what ran before.
template <class B>
void forget_what_ran() {
  basic_guard<B>{}.wait_for(0s);
}

void raise_elsewhere(int signal) {
  std::thread{[=] {
    test::unblock({signal});
    raise(signal);
  }}.join();
}

int ppoll_nothing(const sigset_t* mask) { return ppoll(nullptr, 0, nullptr, mask); }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(guard_until, test::clean_thread)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_deadline_ends_a_loop_whatever_handlers_run, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(in_child([] {
    const ticking clock;
    basic_guard<B> off;
    CHILD_REQUIRE(!off.wait_for(20ms, [] { return false; }));
    CHILD_REQUIRE(!off.wait_until(steady_clock::now() + 20ms, [] { return false; }));
    CHILD_REQUIRE(!off.wait_until(system_clock::now() + 20ms, [] { return false; }));
    two_ends pipe;
    auto fds = pipe.fds();
    CHILD_REQUIRE(off.poll(fds, 20ms, [] { return false; }) == wake::timeout);
    CHILD_REQUIRE(off.poll_until(fds, steady_clock::now() + 20ms, [] { return false; }) ==
                  wake::timeout);
    CHILD_REQUIRE(clock.ticks() > 0 && !B::enabled());
  })));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(they_wait_until_the_predicate_holds, B, test::hosted_backends) {
  BOOST_TEST(test::holds(in_child([] {
    const ticking clock;
    basic_guard<B> off;
    int asked = 0;
    int wanted = clock.ticks() + 3;
    const auto after_three_ticks = [&] {
      CHILD_REQUIRE(!B::enabled());
      ++asked;
      if (clock.ticks() < wanted) return false;
      wanted += 3;
      return true;
    };
    two_ends pipe;
    auto fds = pipe.fds();
    off.wait(after_three_ticks);
    CHILD_REQUIRE(asked > 1);
    CHILD_REQUIRE(off.wait_for(1h, after_three_ticks));
    CHILD_REQUIRE(off.wait_until(steady_clock::now() + 1h, after_three_ticks));
    CHILD_REQUIRE(off.poll(fds, after_three_ticks) == wake::handler);
    CHILD_REQUIRE(off.poll(fds, 1h, after_three_ticks) == wake::handler);
    CHILD_REQUIRE(off.poll_until(fds, steady_clock::time_point::max(), after_three_ticks) ==
                  wake::handler);
    CHILD_REQUIRE(!B::enabled());
  })));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_predicate_that_holds_at_once_does_not_sleep, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(in_child([] {
    basic_guard<B> off;
    const auto yes = [] { return true; };
    std::array<pollfd, 0> none{};
    off.wait(yes);
    CHILD_REQUIRE(off.wait_for(-1h, yes));
    CHILD_REQUIRE(off.wait_until(steady_clock::time_point::min(), yes));
    CHILD_REQUIRE(off.poll(none, yes) == wake::handler);
    CHILD_REQUIRE(off.poll(none, 1h, yes) == wake::handler);
  })));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(wait_until_tells_a_handler_from_the_end_of_the_time, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(in_child([] {
    const counter usr1{SIGUSR1};
    basic_guard<B> off;
    CHILD_REQUIRE(!off.wait_until(steady_clock::now() + 1ms));
    CHILD_REQUIRE(!off.wait_until(system_clock::now() - 1h));
    raise(SIGUSR1);
    CHILD_REQUIRE(off.wait_until(steady_clock::time_point::max()) && usr1.runs() == 1);
    raise(SIGUSR1);  // what is pending has its turn though the time is up
    CHILD_REQUIRE(off.wait_until(steady_clock::time_point::min()) && usr1.runs() == 2);
    raise(SIGUSR1);
    CHILD_REQUIRE(
        off.wait_until(steady_clock::time_point::min(), [&] { return usr1.runs() == 3; }));
    raise(SIGUSR1);
    CHILD_REQUIRE(off.wait_for(0s, [&] { return usr1.runs() == 4; }));
  })));
}

// A test that fails here has waited for 292 years, or overflowed.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_negative_time_is_no_time_however_long, B, test::hosted_backends) {
  const auto body = [] {
    basic_guard<B> off;
    std::array<pollfd, 0> none{};
    const auto never = [] { return false; };
    const auto is_none = [&](auto time) {
      return !off.wait_for(time) && !off.wait_for(time, never) &&
             off.poll(none, time) == wake::timeout && off.poll(none, time, never) == wake::timeout;
    };
    CHILD_REQUIRE(is_none(-1ns) && is_none(-1h));
    CHILD_REQUIRE(is_none(std::chrono::nanoseconds::min()) && is_none(std::chrono::hours::min()));
    CHILD_REQUIRE(is_none(std::chrono::duration<double>{-1e30}));
    CHILD_REQUIRE(is_none(std::chrono::duration<double>{std::numeric_limits<double>::quiet_NaN()}));
    CHILD_REQUIRE(!off.wait_until(system_clock::time_point::min(), never));
    CHILD_REQUIRE(off.poll_until(none, system_clock::time_point::min(), never) == wake::timeout);
  };
  BOOST_TEST(test::holds(in_child(body, 10)));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(poll_says_how_many_descriptors_are_ready, B, test::hosted_backends) {
  BOOST_TEST(test::holds(in_child([] {
    const two_ends one, two;
    one.fill();
    two.fill();
    std::array fds{one.fds()[0], one.fds()[1], two.fds()[0]};
    basic_guard<B> off;
    sigsafe::poll_result woken = off.poll(fds);
    CHILD_REQUIRE(woken.reason == wake::ready && woken.ready == 2);
    woken = off.poll_until(fds, steady_clock::now() - 1h);
    CHILD_REQUIRE(woken == wake::ready && woken.ready == 2);
    woken = off.poll(fds, 1h, [] { return false; });
    CHILD_REQUIRE(woken == wake::ready && woken.ready == 2);
    char byte;
    CHILD_REQUIRE(read(one.ends[0], &byte, 1) == 1);
    CHILD_REQUIRE(off.poll(fds, [] { return false; }).ready == 1);
    CHILD_REQUIRE(read(two.ends[0], &byte, 1) == 1);
    woken = off.poll_until(fds, steady_clock::now() + 1ms);
    CHILD_REQUIRE(woken == wake::timeout && woken.ready == 0);
  })));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_blocking_call_is_ended_by_a_handler, B, test::hosted_backends) {
  BOOST_TEST(test::holds(in_child([] {
    const ticking clock;
    const signal_set before = signal_set::blocked();
    {
      basic_guard<B> off;
      const int seen = clock.ticks();
      while (clock.ticks() < seen + 5) {
        int ready = 0, error = 0;
        if (!off.open([&](const sigset_t* mask) {
              ready = ppoll_nothing(mask);
              error = errno;
            }))
          continue;
        CHILD_REQUIRE(ready == -1 && error == EINTR && errno == EINTR);
        CHILD_REQUIRE(!B::enabled());
      }
    }
    CHILD_REQUIRE(signal_set::blocked() == before);
  })));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_blocking_call_is_not_begun_when_a_handler_has_run, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(in_child([] {
    const counter usr1{SIGUSR1};
    forget_what_ran<B>();
    basic_guard<B> off;
    const auto never = [](auto...) { CHILD_REQUIRE(false); };
    const auto never_with_a_mask = [](const sigset_t*) { CHILD_REQUIRE(false); };
    raise(SIGUSR1);
    CHILD_REQUIRE(!off.open([&] { never(); }));  // the handler runs when it is opened
    CHILD_REQUIRE(usr1.runs() == 1);
    raise_elsewhere(SIGUSR1);
    CHILD_REQUIRE(!off.open(never_with_a_mask));
    raise_elsewhere(SIGUSR1);
    CHILD_REQUIRE(!off.open([&] { never(); }));
    bool called = false;  // they were told of
    CHILD_REQUIRE(off.open([&](const sigset_t*) { called = true; }) && called);
    called = false;
    CHILD_REQUIRE(off.open([&] { called = true; }) && called);
    CHILD_REQUIRE(!B::enabled());
  })));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_deferred_or_pending_does_not_wait_for_a_blocking_call, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(in_child([] {
    const counter usr1{SIGUSR1};
    forget_what_ran<B>();
    basic_guard<B> off;
    // epoll returns without delivering anything when a descriptor is ready.
    const two_ends pipe;
    pipe.fill();
    const int loop = epoll_create1(0);
    epoll_event event{};
    event.events = EPOLLIN;
    CHILD_REQUIRE(epoll_ctl(loop, EPOLL_CTL_ADD, pipe.ends[0], &event) == 0);
    raise(SIGUSR1);
    for (int turn = 0; turn < 3; ++turn)
      off.open([&](const sigset_t* mask) { epoll_pwait(loop, &event, 1, -1, mask); });
    CHILD_REQUIRE(usr1.runs() == 1);
  })));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_on_another_thread_ends_a_blocking_call, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(in_child([] {
    std::atomic<bool> flag{false};
    const sigsafe::handler usr1{SIGUSR1, [&]() noexcept { flag = true; }};
    test::sleeper other{[&](test::sleeper& self) {
      test::block({SIGUSR1});
      forget_what_ran<B>();
      basic_guard<B> off;
      self.begins();
      while (!flag) off.open([&](const sigset_t* mask) { ppoll_nothing(mask); });
    }};
    other.go_to_sleep();
    raise(SIGUSR1);
  })));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_function_without_a_parameter_runs_with_interrupts_enabled, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(in_child([] {
    const counter usr1{SIGUSR1};
    test::block({SIGWINCH});
    forget_what_ran<B>();
    {
      basic_guard<B> off;
      CHILD_REQUIRE(off.open([&] {
        CHILD_REQUIRE(B::enabled());
        CHILD_REQUIRE((signal_set::blocked() == signal_set{SIGWINCH}));
        raise(SIGUSR1);
        CHILD_REQUIRE(usr1.runs() == 1);
      }));
      CHILD_REQUIRE(!B::enabled());
      CHILD_REQUIRE(test::everything_blocked() == std::is_same_v<B, sigsafe::backend::posix>);
      raise(SIGUSR1);
      CHILD_REQUIRE(usr1.runs() == 1);
      // It ran in the call, and is told of by the next one.
      CHILD_REQUIRE(!off.open([] { CHILD_REQUIRE(false); }));
      CHILD_REQUIRE(usr1.runs() == 2);
    }
    CHILD_REQUIRE((signal_set::blocked() == signal_set{SIGWINCH}));
    CHILD_REQUIRE(test::is_at_rest());
  })));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_closed_for_a_function_is_not_the_programs, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(in_child([] {
    test::block({SIGHUP});
    const sigsafe::subset_guard subset{{SIGUSR2}};
    forget_what_ran<B>();
    basic_guard<B> off;
    CHILD_REQUIRE(off.open([&](const sigset_t*) {
      CHILD_REQUIRE(test::everything_blocked());
      CHILD_REQUIRE((program_mask() == signal_set{SIGHUP, SIGUSR2}));
      const std::string status = test::output_of({"cat", "/proc/self/status"});
      CHILD_REQUIRE((test::signals_in(status, "SigBlk") == signal_set{SIGHUP, SIGUSR2}));
      const pid_t child = fork();
      CHILD_REQUIRE(child >= 0);
      if (child == 0) {
        sigsafe::prepare_exec();
        CHILD_REQUIRE((signal_set::blocked() == signal_set{SIGHUP, SIGUSR2}));
        _exit(0);
      }
      CHILD_REQUIRE(test::status_of(child) == 0);
    }));
    CHILD_REQUIRE((program_mask() == signal_set{SIGHUP, SIGUSR2}));
    CHILD_REQUIRE(off.open([&] {  // with everything enabled: what it blocks now it wants blocked
      test::block(signal_set::maskable());
      CHILD_REQUIRE(program_mask().contains(signal_set::maskable()));
    }));
  })));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_subset_guard_that_ends_in_a_function_opens_nothing, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(in_child([] {
    const counter usr1{SIGUSR1};
    forget_what_ran<B>();
    std::optional<sigsafe::subset_guard> subset{std::in_place, signal_set{SIGUSR1}};
    {
      basic_guard<B> off;
      CHILD_REQUIRE(off.open([&](const sigset_t*) {
        raise(SIGUSR1);
        subset.reset();
        CHILD_REQUIRE(test::everything_blocked() && program_mask().empty() && usr1.runs() == 0);
      }));
    }
    CHILD_REQUIRE(usr1.runs() == 1 && signal_set::blocked().empty() && test::is_at_rest());
  })));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_subset_guard_of_a_foreign_handler_ends_in_a_blocking_call, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(in_child([] {
    const counter usr2{SIGUSR2};
    const test::foreign_handler usr1{SIGUSR1, [](int) {
                                       { const sigsafe::subset_guard subset{{SIGUSR2}}; }
                                       CHILD_REQUIRE(!signal_set::blocked().contains(SIGUSR2));
                                       CHILD_REQUIRE((program_mask() == signal_set{SIGUSR1}));
                                     }};
    forget_what_ran<B>();
    {
      basic_guard<B> off;
      CHILD_REQUIRE(off.open([&](const sigset_t* mask) {
        raise(SIGUSR1);
        CHILD_REQUIRE(ppoll_nothing(mask) == -1);
      }));
    }
    CHILD_REQUIRE(signal_set::blocked().empty() && test::is_at_rest());
  })));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_function_that_throws_leaves_everything_as_it_was, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(in_child([] {
    const counter usr1{SIGUSR1};
    forget_what_ran<B>();
    {
      basic_guard<B> off;
      const auto throws_in = [&](auto function) {
        try {
          off.open(function);
        } catch (const std::runtime_error&) {
          return !B::enabled();
        }
        return false;
      };
      CHILD_REQUIRE(throws_in([](const sigset_t*) { throw std::runtime_error{""}; }));
      CHILD_REQUIRE(throws_in([] { throw std::runtime_error{""}; }));
      raise(SIGUSR1);
      CHILD_REQUIRE(usr1.runs() == 0);
    }
    CHILD_REQUIRE(usr1.runs() == 1 && test::is_at_rest());
    CHILD_REQUIRE(signal_set::blocked().empty());
  })));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_on_another_thread_ends_a_call_that_others_restart, B,
                              test::hosted_backends) {
  const auto body = [] {
    const counter usr1{SIGUSR1};
    const two_ends pipe;
    test::sleeper reader{[&](test::sleeper& self) {
      forget_what_ran<B>();
      basic_guard<B> off;
      self.begins();
      CHILD_REQUIRE(off.open([&] {
        char byte;
        CHILD_REQUIRE(read(pipe.ends[0], &byte, 1) == -1 && errno == EINTR);
      }));
    }};
    reader.go_to_sleep();
    raise_elsewhere(SIGUSR1);
  };
  BOOST_TEST(test::holds(in_child(body, 10)));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_blocking_call_in_a_nested_guard_panics, B, test::hosted_backends) {
  BOOST_TEST(test::panics(in_child([] {
                            const sigsafe::guard outer;
                            basic_guard<B> off;
                            off.open([] {});
                          }),
                          "wait in a nested guard would enable"));
}

BOOST_AUTO_TEST_SUITE_END()
