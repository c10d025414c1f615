// guard.hpp: wait, wait_for and poll, which enable and sleep in one step.
#include <boost/test/unit_test.hpp>

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <vector>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/ref_cell.hpp>

#include <tests/support/arrivals.hpp>
#include <tests/support/backends.hpp>
#include <tests/support/broken_backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/signals.hpp>
#include <tests/support/syscalls.hpp>

namespace {

namespace backend = sigsafe::backend;
using namespace std::chrono_literals;
using sigsafe::basic_guard;
using sigsafe::signal_set;
using sigsafe::wake;
using test::child_end;
using test::counter;
using test::in_child;

/// Two ends of a pipe; `ready` has something to read.
struct always_ready {
  always_ready() {
    CHILD_REQUIRE(pipe(ends) == 0);
    CHILD_REQUIRE(write(ends[1], "", 1) == 1);
  }
  pollfd reading() const { return {ends[0], POLLIN, 0}; }
  pollfd never_ready() const { return {ends[1], 0, 0}; }
  int ends[2] = {};
};

template <class B>
child_end a_signal_before_the_wait_is_not_missed(int seconds) {
  return in_child(
      [] {
        const counter usr1{SIGUSR1};
        basic_guard<B> off;
        raise(SIGUSR1);
        CHILD_REQUIRE(usr1.runs() == 0);
        while (usr1.runs() == 0) off.wait();
        CHILD_REQUIRE(usr1.runs() == 1);
      },
      seconds);
}

template <class B>
child_end interrupts_are_disabled_again_after_the_wait() {
  return in_child([] {
    const counter usr1{SIGUSR1};
    const counter usr2{SIGUSR2};
    basic_guard<B> off;
    raise(SIGUSR1);
    off.wait();
    CHILD_REQUIRE(!B::enabled());
    raise(SIGUSR2);
    CHILD_REQUIRE(usr2.runs() == 0);
    while (usr2.runs() == 0) off.wait();
    CHILD_REQUIRE(!B::enabled());
  });
}

template <class B>
child_end a_signal_comes_through_although_a_descriptor_is_ready() {
  return in_child([] {
    const always_ready pipe;
    std::array fds{pipe.reading()};
    // A sleep of an eager guard takes a standard signal from the kernel by itself.
    for (const int signal : {SIGUSR1, SIGRTMIN}) {
      const counter handled{signal};
      basic_guard<B> off;
      raise(signal);
      for (int turn = 0; turn < 3; ++turn) off.poll(fds);
      CHILD_REQUIRE(handled.runs() == 1);
    }
  });
}

/// Two processes wake each other in turns, so that signals come at every moment around the sleep.
template <class B>
child_end two_processes_wake_each_other() {
  return in_child([] {
    constexpr int rounds = 3000;
    std::atomic<int> arrived{0};
    const sigsafe::handler usr1{
        SIGUSR1, [&]() noexcept { arrived.fetch_add(1); }, {.in_child = true}};
    basic_guard<B> off;
    const pid_t parent = getpid();
    const pid_t child = fork();
    const pid_t other = child == 0 ? parent : child;
    if (child != 0) kill(other, SIGUSR1);
    for (int round = 1; round <= rounds; ++round) {
      while (arrived.load() < round) off.wait();
      CHILD_REQUIRE(arrived.load() == round);
      if (child == 0 || round < rounds) kill(other, SIGUSR1);
    }
    if (child == 0) _exit(0);
    CHILD_REQUIRE(test::status_of(child) == 0);
  });
}

/// The first sleep of a process makes what later ones use.
void sleep_for_the_first_time() {
  sigsafe::guard off;
  off.wait_for(0s);
  off.wait_for(0s);
}

std::string here(unsigned line) {
  return std::string(__FILE__) + ":" + std::to_string(line) + ": ";
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(guard_wait, test::clean_thread)

BOOST_AUTO_TEST_CASE_TEMPLATE(it_misses_no_signal_that_came_before, B, test::hosted_backends) {
  BOOST_TEST(test::holds(a_signal_before_the_wait_is_not_missed<B>(30)));
}

BOOST_AUTO_TEST_CASE(a_wait_that_enables_and_then_sleeps_is_caught) {
  BOOST_TEST(
      a_signal_before_the_wait_is_not_missed<test::opens_then_sleeps<test::flat_backend>>(1).hung);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(interrupts_are_disabled_again_afterwards, B, test::hosted_backends) {
  BOOST_TEST(test::holds(interrupts_are_disabled_again_after_the_wait<B>()));
}

BOOST_AUTO_TEST_CASE(a_wait_that_stays_enabled_is_caught) {
  BOOST_TEST(
      test::is_caught(interrupts_are_disabled_again_after_the_wait<test::stays_open_after_wait>()));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(two_processes_that_wake_each_other_never_sleep_through, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(two_processes_wake_each_other<B>()));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_timer_wakes_a_sleeping_thread, B, test::hosted_backends) {
  const child_end end = in_child([] {
    const counter alarm{SIGALRM};
    basic_guard<B> off;
    for (int i = 1; i <= 20; ++i) {
      const itimerval soon{{0, 0}, {0, 500}};
      setitimer(ITIMER_REAL, &soon, nullptr);
      while (alarm.runs() < i) off.wait();
      CHILD_REQUIRE(alarm.runs() == i);
    }
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(wait_for_tells_a_handler_from_the_end_of_the_time, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    const counter usr1{SIGUSR1};
    basic_guard<B> off;
    CHILD_REQUIRE(!off.wait_for(1ms));
    CHILD_REQUIRE(!off.wait_for(0s));
    CHILD_REQUIRE(!off.wait_for(std::chrono::duration<double>{0.0001}));
    CHILD_REQUIRE(!B::enabled());
    raise(SIGUSR1);
    CHILD_REQUIRE(off.wait_for(1h));
    CHILD_REQUIRE(usr1.runs() == 1);
    raise(SIGUSR1);
    CHILD_REQUIRE(off.wait_for(0s));  // what is pending is found without sleeping
    CHILD_REQUIRE(usr1.runs() == 2);
    CHILD_REQUIRE(!B::enabled());
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(negative_durations_count_as_zero, B, test::hosted_backends) {
  const child_end end = in_child([] {
    basic_guard<B> off;
    CHILD_REQUIRE(!off.wait_for(-1ns));
    CHILD_REQUIRE(!off.wait_for(-1h));
    CHILD_REQUIRE(!off.wait_for(std::chrono::nanoseconds::min()));
    std::array<pollfd, 0> none{};
    CHILD_REQUIRE(off.poll(none, -5s) == wake::timeout);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_longest_durations_end_with_a_handler, B, test::hosted_backends) {
  const child_end end = in_child([] {
    const counter alarm{SIGALRM};
    basic_guard<B> off;
    const auto after_a_moment = [&](auto longest) {
      const itimerval soon{{0, 0}, {0, 500}};
      setitimer(ITIMER_REAL, &soon, nullptr);
      CHILD_REQUIRE(off.wait_for(longest));
    };
    after_a_moment(std::chrono::hours::max());
    after_a_moment(std::chrono::nanoseconds::max());
    after_a_moment(std::chrono::duration<double>::max());
    CHILD_REQUIRE(alarm.runs() == 3);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(poll_tells_what_woke_it, B, test::hosted_backends) {
  const child_end end = in_child([] {
    const counter usr1{SIGUSR1};
    const always_ready pipe;
    basic_guard<B> off;
    std::array fds{pipe.never_ready(), pipe.reading()};
    CHILD_REQUIRE(off.poll(fds) == wake::ready);
    CHILD_REQUIRE(fds[0].revents == 0);
    CHILD_REQUIRE(fds[1].revents == POLLIN);
    CHILD_REQUIRE(off.poll(fds, 1h) == wake::ready);

    std::vector quiet{pipe.never_ready()};
    CHILD_REQUIRE(off.poll(quiet, 1ms) == wake::timeout);
    CHILD_REQUIRE(quiet[0].revents == 0);
    raise(SIGUSR1);
    CHILD_REQUIRE(off.poll(quiet) == wake::handler);
    CHILD_REQUIRE(usr1.runs() == 1);
    raise(SIGUSR1);
    CHILD_REQUIRE(off.poll(std::span{quiet}, 1h) == wake::handler);
    CHILD_REQUIRE(usr1.runs() == 2);
    CHILD_REQUIRE(!B::enabled());
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_descriptor_that_is_always_ready_starves_no_signal, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(a_signal_comes_through_although_a_descriptor_is_ready<B>()));
}

BOOST_AUTO_TEST_CASE(a_poll_that_starves_signals_is_caught) {
  BOOST_TEST(
      test::is_caught(a_signal_comes_through_although_a_descriptor_is_ready<test::starves>()));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_ppoll_refuses_is_a_system_error, B, test::hosted_backends) {
  const child_end end = in_child([] {
    const counter usr1{SIGUSR1};
    const signal_set before = signal_set::blocked();
    {
      basic_guard<B> off;
      const auto refused_with = [&](std::span<pollfd> fds, auto... timeout) {
        try {
          off.poll(fds, timeout...);
        } catch (const std::system_error& error) {
          return error.code().value();
        }
        return 0;
      };
      rlimit descriptors{};
      getrlimit(RLIMIT_NOFILE, &descriptors);
      descriptors.rlim_cur = 16;
      setrlimit(RLIMIT_NOFILE, &descriptors);
      std::vector<pollfd> too_many(17, pollfd{-1, 0, 0});
      CHILD_REQUIRE(refused_with(too_many) == EINVAL);
      CHILD_REQUIRE(refused_with(too_many, 1h) == EINVAL);
      void* const forbidden = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      CHILD_REQUIRE(refused_with({static_cast<pollfd*>(forbidden), 1}) == EFAULT);
      CHILD_REQUIRE(!B::enabled());
      raise(SIGUSR1);
      CHILD_REQUIRE(usr1.runs() == 0);
    }
    CHILD_REQUIRE(usr1.runs() == 1);
    CHILD_REQUIRE(signal_set::blocked() == before);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_ran_before_a_refused_poll_is_told_of_by_the_next_one, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    const counter usr1{SIGUSR1};
    basic_guard<B> off;
    off.wait_for(0s);
    void* const forbidden = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const auto is_refused = [&] {
      try {
        off.poll(std::span{static_cast<pollfd*>(forbidden), 1}, 1h);
      } catch (const std::system_error& error) {
        return error.code() == std::errc::bad_address;
      }
      return false;
    };
    std::thread{[] {
      test::unblock({SIGUSR1});
      raise(SIGUSR1);
    }}.join();
    CHILD_REQUIRE(is_refused() && usr1.runs() == 1);
    CHILD_REQUIRE(off.wait_for(0s) && !off.wait_for(0s));
    if constexpr (std::is_same_v<B, sigsafe::backend::posix>) {
      raise(SIGUSR1);  // it has its turn before the kernel looks at the arguments
      CHILD_REQUIRE(is_refused());
      CHILD_REQUIRE(off.wait_for(0s) && usr1.runs() == 2 && !off.wait_for(0s));
    }
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_signal_that_the_program_blocks_does_not_wake, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    const counter usr1{SIGUSR1};
    const counter usr2{SIGUSR2};
    const sigset_t mine = signal_set{SIGUSR2}.native();
    pthread_sigmask(SIG_BLOCK, &mine, nullptr);
    {
      basic_guard<B> off;
      raise(SIGUSR2);
      CHILD_REQUIRE(!off.wait_for(0s));
      raise(SIGUSR1);
      off.wait();
      CHILD_REQUIRE(usr1.runs() == 1);
      CHILD_REQUIRE(usr2.runs() == 0);
    }
    CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGUSR2});
    CHILD_REQUIRE(usr2.runs() == 0);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(errno_is_kept, B, test::hosted_backends) {
  const child_end end = in_child([] {
    const sigsafe::handler usr1{SIGUSR1, []() noexcept { errno = EDOM; }};
    basic_guard<B> off;
    errno = ENOTTY;
    raise(SIGUSR1);
    off.wait();
    CHILD_REQUIRE(errno == ENOTTY);
    CHILD_REQUIRE(!off.wait_for(0s));
    CHILD_REQUIRE(errno == ENOTTY);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_that_runs_in_the_sleep_is_like_any_other, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    const counter usr2{SIGUSR2};
    bool enabled = true;
    int usr2_inside = -1;
    sigsafe::mutex<int, sigsafe::default_raw_lock, B> shared{0};
    const sigsafe::handler usr1{SIGUSR1, [&]() noexcept {
                                  enabled = B::enabled();
                                  raise(SIGUSR2);
                                  { const sigsafe::guard eager; }
                                  { const sigsafe::lazy::guard lazy; }
                                  ++*shared.lock();
                                  usr2_inside = usr2.runs();
                                }};
    basic_guard<B> off;
    raise(SIGUSR1);
    while (usr2.runs() == 0) off.wait();
    CHILD_REQUIRE(!enabled);
    CHILD_REQUIRE(usr2_inside == 0);
    CHILD_REQUIRE(*shared.lock() == 1);
    CHILD_REQUIRE(!B::enabled());
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_foreign_handler_with_an_eager_guard_leaves_the_mask_right, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    const counter usr2{SIGUSR2};
    const test::foreign_handler usr1{SIGUSR1, [](int) { const sigsafe::guard eager; }};
    const signal_set before = signal_set::blocked();
    {
      basic_guard<B> off;
      raise(SIGUSR1);
      off.wait_for(1ms);
      raise(SIGUSR2);
      CHILD_REQUIRE(usr2.runs() == 0);
    }
    CHILD_REQUIRE(usr2.runs() == 1);
    CHILD_REQUIRE(signal_set::blocked() == before);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_nested_guard_panics_and_names_the_place, B, test::hosted_backends) {
  constexpr unsigned line = __LINE__ + 5;
  const child_end end = in_child([] {
    const basic_guard<backend::posix> eager;
    const basic_guard<backend::lazy> lazy;
    basic_guard<B> off;
    off.wait();
  });
  BOOST_TEST(test::panics(end, here(line) + "wait in a nested guard"));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(each_other_hold_makes_wait_panic, B, test::hosted_backends) {
  const std::string expected = "wait in a nested guard would enable";
  BOOST_TEST(test::panics(in_child([] {
                            const basic_guard<backend::posix> outer;
                            basic_guard<B> off;
                            off.wait_for(0s);
                          }),
                          expected));
  BOOST_TEST(test::panics(in_child([] {
                            const basic_guard<backend::lazy> outer;
                            basic_guard<B> off;
                            std::array<pollfd, 0> none{};
                            off.poll(none);
                          }),
                          expected));
  BOOST_TEST(test::panics(in_child([] {
                            sigsafe::mutex<int, sigsafe::default_raw_lock, B> shared{0};
                            basic_guard<B> off;
                            const auto locked = shared.lock();
                            off.wait();
                          }),
                          expected));
  BOOST_TEST(test::panics(in_child([] {
                            sigsafe::ref_cell<int, B> cell{0};
                            const auto borrowed = cell.borrow();
                            basic_guard<B> off;
                            std::array<pollfd, 0> none{};
                            off.poll(none, 0s);
                          }),
                          expected));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(wait_inside_a_handler_panics_and_names_the_place, B,
                              test::hosted_backends) {
  constexpr unsigned line = __LINE__ + 4;
  const child_end end = in_child([] {
    const sigsafe::handler usr1{SIGUSR1, []() noexcept {
                                  basic_guard<B> off;
                                  off.wait();
                                }};
    raise(SIGUSR1);
  });
  BOOST_TEST(test::panics(end, here(line) + "wait inside a handler would never wake"));
}

BOOST_AUTO_TEST_CASE(a_lazy_one_makes_three_system_calls) {
  const auto prepare = [] {
    sleep_for_the_first_time();
    return sigsafe::lazy::guard{};
  };
  BOOST_TEST(test::count_system_calls(prepare, [](auto& off) { off.wait_for(0s); }) == 3);
}

BOOST_AUTO_TEST_CASE(an_eager_one_makes_two_system_calls) {
  const auto prepare = [] {
    sleep_for_the_first_time();
    return sigsafe::guard{};
  };
  BOOST_TEST(test::count_system_calls(prepare, [](auto& off) { off.wait_for(0s); }) == 2);
}

BOOST_AUTO_TEST_SUITE_END()
