// pthread_cancel of threads that sleep in a guard, or in whose system call a handler runs: they
// unwind, and what sigsafe knows of them is right at every step.
#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <system_error>
#include <type_traits>

#include <sigsafe/discard.hpp>
#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/process.hpp>
#include <sigsafe/stop.hpp>

#include <tests/support/arrivals.hpp>
#include <tests/support/backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/signals.hpp>
#include <tests/support/sleeping.hpp>

namespace {

using namespace std::chrono_literals;
using sigsafe::basic_guard;
using test::in_child;

/// Of the thread that is to be cancelled.
std::atomic<pid_t> id{0};
std::atomic<bool> is_unwound{false};
std::atomic<bool> usr1_ran{false};

/// Without the C library's own signal, which stays blocked in a thread that unwinds.
sigsafe::signal_set blocked_now() {
  return sigsafe::signal_set::blocked() & sigsafe::signal_set::all();
}

/// Made before the guard: checks, when the thread unwinds, that the guard's release left nothing.
struct checks_the_end {
  checks_the_end() : mask(blocked_now()) { id = test::own_thread(); }
  checks_the_end(const checks_the_end&) = delete;
  checks_the_end& operator=(const checks_the_end&) = delete;
  ~checks_the_end() {
    CHILD_REQUIRE(test::is_at_rest());
    CHILD_REQUIRE(blocked_now() == mask);
    is_unwound = true;
  }
  sigsafe::signal_set mask;
};

void cancel_and_join(pthread_t thread) {
  CHILD_REQUIRE(pthread_cancel(thread) == 0);
  void* result = nullptr;
  CHILD_REQUIRE(pthread_join(thread, &result) == 0);
  CHILD_REQUIRE(result == PTHREAD_CANCELED);
  CHILD_REQUIRE(is_unwound.load());
}

template <class Body>
pthread_t start(Body& body) {
  pthread_t thread;
  CHILD_REQUIRE(pthread_create(
                    &thread, nullptr,
                    [](void* of) -> void* {
                      (*static_cast<Body*>(of))();
                      return nullptr;
                    },
                    &body) == 0);
  return thread;
}

template <class Body>
test::child_end unwinds_while_asleep(Body body) {
  return in_child([&] {
    const sigsafe::handler usr1{SIGUSR1, []() noexcept { usr1_ran = true; }};
    const pthread_t thread = start(body);
    while (id.load() == 0) sched_yield();
    test::await_sleep(id, [] { return false; });
    cancel_and_join(thread);
    CHILD_REQUIRE(usr1_ran.load());
  });
}

/// Made behind the guard: while the thread unwinds through here, the guard still holds.
template <class B>
struct checks_the_hold {
  checks_the_hold() = default;
  checks_the_hold(const checks_the_hold&) = delete;
  checks_the_hold& operator=(const checks_the_hold&) = delete;
  ~checks_the_hold() {
    CHILD_REQUIRE(!B::enabled());
    CHILD_REQUIRE((!std::is_same_v<B, sigsafe::backend::posix> || test::everything_blocked()));
    test::send(SIGUSR1);
    CHILD_REQUIRE(!usr1_ran.load());
  }
};

/// A pipe that stays empty.
int reading_end() {
  int ends[2];
  CHILD_REQUIRE(pipe(ends) == 0);
  return ends[0];
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(cancellation, test::clean_thread)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_thread_that_waits_in_a_guard_unwinds, B, test::hosted_backends) {
  BOOST_TEST(test::holds(unwinds_while_asleep([] {
    const checks_the_end last;
    basic_guard<B> off;
    const checks_the_hold<B> hold;
    for (;;) off.wait();
  })));
  BOOST_TEST(test::holds(unwinds_while_asleep([] {
    const checks_the_end last;
    basic_guard<B> off;
    const checks_the_hold<B> hold;
    for (;;) off.wait_for(std::chrono::hours{1});
  })));
  BOOST_TEST(test::holds(unwinds_while_asleep([] {
    const checks_the_end last;
    std::array fds{pollfd{reading_end(), POLLIN, 0}};
    basic_guard<B> off;
    const checks_the_hold<B> hold;
    for (;;) off.poll(fds);
  })));
}

// The cancellation came while interrupts were off: the next wait is a cancellation point.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_cancelled_thread_unwinds_when_it_waits, B, test::hosted_backends) {
  BOOST_TEST(test::holds(in_child([] {
    std::atomic<bool> cancelled{false};
    auto body = [&] {
      const checks_the_end last;
      basic_guard<B> off;
      while (!cancelled.load()) sched_yield();
      off.wait();
    };
    const pthread_t thread = start(body);
    CHILD_REQUIRE(pthread_cancel(thread) == 0);
    cancelled = true;
    void* result = nullptr;
    CHILD_REQUIRE(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
  })));
}

// What was deferred before ends the sleep before it begins.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_cancelled_thread_unwinds_when_something_was_deferred, B,
                              test::hosted_backends) {
  const auto unwinds_in = [](auto sleep) {
    return in_child([=] {
      const sigsafe::handler usr1{SIGUSR1, []() noexcept { usr1_ran = true; }};
      auto body = [&] {
        const checks_the_end last;
        basic_guard<B> off;
        pthread_cancel(pthread_self());
        test::send(SIGUSR1);
        sleep(off);
      };
      const pthread_t thread = start(body);
      void* result = nullptr;
      CHILD_REQUIRE(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
      CHILD_REQUIRE(is_unwound.load() && usr1_ran.load());
    });
  };
  BOOST_TEST(test::holds(unwinds_in([](auto& off) { off.wait(); })));
  BOOST_TEST(test::holds(unwinds_in([](auto& off) { off.wait_for(0s); })));
  BOOST_TEST(test::holds(unwinds_in([](auto& off) { off.open([] {}); })));
}

// A handler that calls write, a cancellation point, on a thread that blocks in read, another one.
BOOST_AUTO_TEST_CASE(a_thread_whose_handler_runs_is_cancelled_behind_the_handler) {
  BOOST_TEST(test::holds(in_child([] {
    test::gate inside;
    std::atomic<bool> cancelled{false};
    std::atomic<bool> returned{false};
    const int null = open("/dev/null", O_WRONLY);
    const sigsafe::handler usr1{SIGUSR1,
                                [&]() noexcept {
                                  inside.open();
                                  while (!cancelled.load()) {}
                                  CHILD_REQUIRE(write(null, "", 1) == 1);
                                  returned = true;
                                },
                                {.restart = true}};
    const int never = reading_end();
    auto body = [&] {
      const checks_the_end last;
      char byte;
      for (;;) {
        if (read(never, &byte, 1) == 1) break;
      }
    };
    const pthread_t thread = start(body);
    while (id.load() == 0) sched_yield();
    test::await_sleep(id, [] { return false; });
    pthread_kill(thread, SIGUSR1);
    inside.pass();
    CHILD_REQUIRE(pthread_cancel(thread) == 0);
    cancelled = true;
    void* result = nullptr;
    CHILD_REQUIRE(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
    CHILD_REQUIRE(returned.load() && is_unwound.load());
  })));
}

// Both are pending when the thread comes back from a handler that held both off. The kernel then
// begins the trampoline, and interrupts its first instruction by what cancels the thread.
BOOST_AUTO_TEST_CASE(a_cancellation_that_comes_together_with_a_signal_takes_no_signal_along) {
  BOOST_TEST(test::holds(in_child([] {
    static test::gate inside;
    static std::atomic<bool> both_came{false};
    struct sigaction holds_off{};
    holds_off.sa_handler = [](int) {
      inside.open();
      while (!both_came.load()) {}
    };
    std::memset(&holds_off.sa_mask, 0xff, sizeof(holds_off.sa_mask));  // what cancels, too
    sigaction(SIGUSR2, &holds_off, nullptr);
    std::atomic<int> runs{0};
    const sigsafe::handler usr1{SIGUSR1, [&]() noexcept { ++runs; }};
    const int never = reading_end();
    auto body = [&] {
      const checks_the_end last;
      char byte;
      while (read(never, &byte, 1) < 0) {}
    };
    const pthread_t thread = start(body);
    while (id.load() == 0) sched_yield();
    test::await_sleep(id, [] { return false; });
    pthread_kill(thread, SIGUSR2);
    inside.pass();
    pthread_kill(thread, SIGUSR1);
    CHILD_REQUIRE(pthread_cancel(thread) == 0);
    both_came = true;
    void* result = nullptr;
    CHILD_REQUIRE(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
    CHILD_REQUIRE(runs.load() == 1);
  })));
}

// The release of a guard dispatches: its destructor must not be left by unwinding.
BOOST_AUTO_TEST_CASE(a_thread_whose_deferred_handler_runs_is_cancelled_behind_the_guard) {
  BOOST_TEST(test::holds(in_child([] {
    const int null = open("/dev/null", O_WRONLY);
    std::atomic<bool> cancelled{false};
    std::atomic<bool> ran{false};
    const sigsafe::handler usr1{SIGUSR1, [&]() noexcept {
                                  CHILD_REQUIRE(write(null, "", 1) == 1);
                                  ran = true;
                                }};
    auto body = [&] {
      const checks_the_end last;
      {
        const sigsafe::lazy::guard off;
        test::send(SIGUSR1);
        id = test::own_thread();
        while (!cancelled.load()) sched_yield();
      }
      CHILD_REQUIRE(ran.load());
      CHILD_REQUIRE(test::is_at_rest());
      pthread_testcancel();
      CHILD_REQUIRE(false);
    };
    const pthread_t thread = start(body);
    while (id.load() == 0) sched_yield();
    CHILD_REQUIRE(pthread_cancel(thread) == 0);
    cancelled = true;
    void* result = nullptr;
    CHILD_REQUIRE(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
  })));
}

// A thread that has been cancelled, and has not come to a cancellation point of its own, is not
// unwound inside sigsafe, where that would terminate the program.
BOOST_AUTO_TEST_CASE(what_ends_or_fails_is_no_cancellation_point) {
  BOOST_TEST(test::holds(in_child([] {
    static bool went_through = false;
    static sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    auto body = [] {
      {
        sigsafe::child ended = sigsafe::spawn({"true"});
        while (!ended.try_wait()) sched_yield();
        const sigsafe::child runs = sigsafe::spawn({"cat"});
        sigsafe::spawn({"true"}).detach();
        const sigsafe::stop_signal stop{{SIGUSR2}};
        pthread_cancel(pthread_self());
      }
      while (sigsafe::reap_children() == 0) sched_yield();
      try {
        const sigsafe::child missing = sigsafe::spawn({"/nowhere"});
      } catch (const std::system_error&) {}
      {
        const sigsafe::discard_guard off{{SIGPIPE}};
        const pid_t sender = fork();
        if (sender == 0) _exit(kill(getppid(), SIGPIPE));
        siginfo_t info;
        while (syscall(SYS_waitid, P_PID, sender, &info, WEXITED, nullptr) != 0) {}
      }
      went_through = true;
      pthread_testcancel();
    };
    const pthread_t thread = start(body);
    void* result = nullptr;
    CHILD_REQUIRE(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
    CHILD_REQUIRE(went_through);
  })));
}

// Only the first thread may queue a signal of kill by its number; others do it by a descriptor.
BOOST_AUTO_TEST_CASE(a_cancelled_thread_queues_a_signal_again) {
  BOOST_TEST(test::holds(in_child([] {
    std::atomic<int> runs{0};
    const sigsafe::handler handler{{SIGUSR1, SIGUSR2}, [&]() noexcept { ++runs; }};
    std::atomic<bool> cancelled{false};
    auto body = [&] {
      test::unblock({SIGUSR1, SIGUSR2});
      const checks_the_end last;
      {
        const sigsafe::lazy::guard off;
        while (!cancelled.load()) sched_yield();
        kill(getpid(), SIGUSR1);
        test::unblock({SIGUSR2});
        kill(getpid(), SIGUSR2);
        CHILD_REQUIRE(runs == 0);
      }
      CHILD_REQUIRE(runs == 2);
      pthread_testcancel();
      CHILD_REQUIRE(false);
    };
    test::block({SIGUSR1, SIGUSR2});
    const pthread_t thread = start(body);
    CHILD_REQUIRE(pthread_cancel(thread) == 0);
    cancelled = true;
    void* result = nullptr;
    CHILD_REQUIRE(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
  })));
}

BOOST_AUTO_TEST_CASE(a_handler_finds_cancellation_disabled_and_leaves_it_as_it_was) {
  BOOST_TEST(test::holds(in_child([] {
    std::atomic<int> during{-1};
    const sigsafe::handler usr1{SIGUSR1, [&]() noexcept {
                                  int state;
                                  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
                                  during = state;
                                }};
    const auto state_now = [] {
      int state;
      pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
      pthread_setcancelstate(state, nullptr);
      return state;
    };
    test::send(SIGUSR1);
    CHILD_REQUIRE(during.exchange(-1) == PTHREAD_CANCEL_DISABLE);
    CHILD_REQUIRE(state_now() == PTHREAD_CANCEL_ENABLE);
    {
      const sigsafe::lazy::guard off;
      test::send(SIGUSR1);
    }
    CHILD_REQUIRE(during.exchange(-1) == PTHREAD_CANCEL_DISABLE);
    CHILD_REQUIRE(state_now() == PTHREAD_CANCEL_ENABLE);
    ::signal(SIGUSR1, ::signal(SIGUSR1, SIG_IGN));  // loses the flags
    test::send(SIGUSR1);
    CHILD_REQUIRE(during.exchange(-1) == PTHREAD_CANCEL_DISABLE);
    CHILD_REQUIRE(state_now() == PTHREAD_CANCEL_ENABLE);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
    test::send(SIGUSR1);
    CHILD_REQUIRE(state_now() == PTHREAD_CANCEL_DISABLE);
  })));
}

BOOST_AUTO_TEST_SUITE_END()
