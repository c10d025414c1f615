// guard.wait in programs with threads: no signal is missed whichever thread its handler runs on.
#include <boost/test/unit_test.hpp>

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/signal_fd.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/sleepers.hpp>
#include <sigsafe/timer.hpp>
#include <sigsafe/wake_signal.hpp>

#include <tests/support/arrivals.hpp>
#include <tests/support/backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/signals.hpp>
#include <tests/support/sleeping.hpp>

namespace {

using namespace std::chrono_literals;
using sigsafe::basic_guard;
using sigsafe::wake;
using test::in_child;

/// A thread that sleeps in a guard until a flag is set, and takes no signal of the process itself.
template <class B, class Sleep>
class waiter {
 public:
  waiter(const std::atomic<bool>& flag, Sleep sleep) : flag_(flag), sleep_(sleep) {
    thread_ = std::thread{[this] { run(); }};
    checked_.pass();
  }
  /// Between the check of the flag and the sleep it waits for this.
  void let_sleep() { may_sleep_.open(); }
  void await_sleep() const {
    test::await_sleep(id_, [] { return false; });
  }
  void join() { thread_.join(); }

 private:
  void run() {
    id_ = test::own_thread();
    test::block({SIGTERM});
    basic_guard<B> off;
    CHILD_REQUIRE(!flag_.load());
    checked_.open();
    may_sleep_.pass();
    // What ran before this thread's first sleep is news to it.
    do sleep_(off);
    while (!flag_.load());
  }

  const std::atomic<bool>& flag_;
  Sleep sleep_;
  std::atomic<pid_t> id_{0};
  test::gate checked_, may_sleep_;
  std::thread thread_;
};

/// The handler runs on the thread that calls this.
void terminate_here() { kill(getpid(), SIGTERM); }

struct never_ready {
  never_ready() { CHILD_REQUIRE(pipe(ends) == 0); }
  int ends[2] = {};
};

constexpr auto by_wait = [](auto& off) { off.wait(); };
constexpr auto by_wait_for = [](auto& off) { off.wait_for(std::chrono::hours{1}); };
constexpr auto by_poll = [](auto& off) {
  const never_ready pipe;
  std::array fds{pollfd{pipe.ends[0], POLLIN, 0}};
  CHILD_REQUIRE(off.poll(fds) == wake::handler);
};

template <class B, class Sleep>
test::child_end a_handler_between_check_and_sleep(Sleep sleep) {
  return in_child([=] {
    std::atomic<bool> flag{false};
    const sigsafe::handler term{SIGTERM, [&]() noexcept { flag = true; }};
    waiter<B, Sleep> waiting{flag, sleep};
    terminate_here();
    CHILD_REQUIRE(flag.load());
    waiting.let_sleep();
    waiting.join();
  });
}

/// Many of the usual size would be more than the addresses of 32 bits.
void give_new_threads_small_stacks() {
  pthread_attr_t wanted;
  pthread_attr_init(&wanted);
  pthread_attr_setstacksize(&wanted, std::size_t{256} << 10);
  CHILD_REQUIRE(pthread_setattr_default_np(&wanted) == 0);
  pthread_attr_destroy(&wanted);
}

template <class B, class Sleep>
test::child_end a_handler_while_it_sleeps(Sleep sleep, int sleepers) {
  return in_child([=] {
    give_new_threads_small_stacks();
    std::atomic<bool> flag{false};
    const sigsafe::handler term{SIGTERM, [&]() noexcept { flag = true; }};
    std::vector<std::unique_ptr<waiter<B, Sleep>>> waiting;
    for (int i = 0; i < sleepers; ++i) {
      waiting.push_back(std::make_unique<waiter<B, Sleep>>(flag, sleep));
      waiting.back()->let_sleep();
    }
    for (auto& each : waiting) each->await_sleep();
    terminate_here();
    for (auto& each : waiting) each->join();
  });
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(wait_threads, test::clean_thread)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_on_another_thread_between_check_and_sleep_is_not_missed, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(a_handler_between_check_and_sleep<B>(by_wait)));
  BOOST_TEST(test::holds(a_handler_between_check_and_sleep<B>(by_wait_for)));
  BOOST_TEST(test::holds(a_handler_between_check_and_sleep<B>(by_poll)));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_on_another_thread_ends_every_sleep, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(a_handler_while_it_sleeps<B>(by_wait, 3)));
  BOOST_TEST(test::holds(a_handler_while_it_sleeps<B>(by_wait_for, 1)));
  BOOST_TEST(test::holds(a_handler_while_it_sleeps<B>(by_poll, 2)));
}

BOOST_AUTO_TEST_CASE(more_threads_may_sleep_than_one_block_has_places) {
  BOOST_TEST(test::holds(a_handler_while_it_sleeps<sigsafe::backend::lazy>(
      by_wait, static_cast<int>(sigsafe::detail::sleeper_block::size) + 10)));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_that_ran_since_the_last_sleep_ends_the_next_one_once, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(in_child([] {
    const test::counter usr1{SIGUSR1};
    { basic_guard<B>{}.wait_for(0s); }
    std::thread{[] { raise(SIGUSR1); }}.join();
    basic_guard<B> off;
    CHILD_REQUIRE(off.wait_for(std::chrono::hours{1}));
    CHILD_REQUIRE(!off.wait_for(0s));
  })));
}

// It is told of by the next poll that finds no descriptor ready.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_ready_descriptor_does_not_hide_a_handler, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(in_child([] {
    const test::counter usr1{SIGUSR1};
    { basic_guard<B>{}.wait_for(0s); }
    std::thread{[] { raise(SIGUSR1); }}.join();
    const never_ready pipe;
    CHILD_REQUIRE(write(pipe.ends[1], "", 1) == 1);
    std::array fds{pollfd{pipe.ends[0], POLLIN, 0}};
    basic_guard<B> off;
    CHILD_REQUIRE(off.poll(fds) == wake::ready);
    char byte;
    CHILD_REQUIRE(read(pipe.ends[0], &byte, 1) == 1);
    CHILD_REQUIRE(off.poll(fds) == wake::handler);
    CHILD_REQUIRE(off.poll(fds, 0s) == wake::timeout);
  })));
}

// The deadlock of two threads that wake each other by signals to the process is the hardest test of
// the order of all steps: any of them wrong, and both sleep.
BOOST_AUTO_TEST_CASE_TEMPLATE(two_threads_that_wake_each_other_never_sleep_through, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(in_child([] {
    constexpr int rounds = 3000;
    std::atomic<int> turn{0};
    // It runs on whichever of the two threads the kernel chooses.
    const sigsafe::handler usr1{SIGUSR1, [&]() noexcept { turn.fetch_add(1); }};
    const auto play = [&](int mine) {
      basic_guard<B> off;
      for (int round = 0; round < rounds; ++round) {
        while (turn.load() % 2 != mine) off.wait();
        const int now = turn.load();
        kill(getpid(), SIGUSR1);
        while (turn.load() == now) off.wait();
      }
    };
    std::thread other{[&] { play(1); }};
    play(0);
    other.join();
    CHILD_REQUIRE(turn.load() == 2 * rounds);
  })));
}

BOOST_AUTO_TEST_CASE(a_child_of_a_fork_finds_no_sleepers) {
  BOOST_TEST(test::holds(in_child([] {
    std::atomic<bool> flag{false};
    const sigsafe::handler term{SIGTERM, [&]() noexcept { flag = true; }, {.in_child = true}};
    waiter<sigsafe::backend::lazy, decltype(by_wait)> waiting{flag, by_wait};
    waiting.let_sleep();
    waiting.await_sleep();
    const pid_t child = fork();
    if (child == 0) {
      raise(SIGTERM);
      // It sleeps and wakes by itself.
      sigsafe::guard off;
      CHILD_REQUIRE(flag.load() && off.wait_for(std::chrono::hours{1}));
      _exit(0);
    }
    CHILD_REQUIRE(test::status_of(child) == 0);
    waiting.await_sleep();
    CHILD_REQUIRE(!flag.load());
    terminate_here();
    waiting.join();
  })));
}

// The table of sleepers is empty in the child, and another thread takes the place that the forking
// one has in the parent.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_fork_in_a_blocking_call_leaves_the_place_of_another, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(in_child(
      [] {
        std::atomic<bool> flag{false};
        const sigsafe::handler term{SIGTERM, [&]() noexcept { flag = true; }};
        pid_t child = -1;
        std::optional<waiter<B, decltype(by_wait)>> waiting;
        {
          basic_guard<B> off;
          off.wait_for(0s);
          off.open([&](const sigset_t*) {
            child = fork();
            CHILD_REQUIRE(child >= 0);
            if (child != 0) return;
            waiting.emplace(flag, by_wait);
            waiting->let_sleep();
            waiting->await_sleep();
          });
        }
        if (child == 0) {
          terminate_here();
          waiting->join();
          _exit(0);
        }
        CHILD_REQUIRE(test::status_of(child) == 0);
      },
      10)));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_fork_in_a_blocking_call_does_not_hide_another_sleeper, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(in_child(
      [] {
        std::atomic<bool> flag{false};
        const sigsafe::handler term{SIGTERM, [&]() noexcept { flag = true; }};
        basic_guard<B> off;
        off.wait_for(0s);
        off.open([&](const sigset_t* mask) {
          const pid_t child = fork();
          CHILD_REQUIRE(child >= 0);
          if (child != 0) {
            CHILD_REQUIRE(test::status_of(child) == 0);
            return;
          }
          waiter<B, decltype(by_wait)> waiting{flag, by_wait};
          waiting.let_sleep();
          waiting.await_sleep();
          raise(SIGTERM);
          CHILD_REQUIRE(ppoll(nullptr, 0, nullptr, mask) == -1);  // the handler runs in here
          waiting.join();
          _exit(0);
        });
      },
      10)));
}

BOOST_AUTO_TEST_CASE(nobody_registers_a_handler_for_the_wake_signal) {
  const auto none = []() noexcept {};
  BOOST_CHECK_EXCEPTION(const sigsafe::handler refused(sigsafe::wake_signal(), none),
                        std::system_error, [](const std::system_error& error) {
                          return error.code() == std::errc::invalid_argument &&
                                 std::string{error.what()}.find("set_wake_signal") !=
                                     std::string::npos;
                        });
}

BOOST_AUTO_TEST_CASE(the_wake_signal_can_be_chosen_before_the_first_sleep) {
  BOOST_TEST(test::holds(in_child([] {
    sigsafe::set_wake_signal(SIGRTMIN + 5);
    CHILD_REQUIRE(sigsafe::wake_signal() == SIGRTMIN + 5);
    const test::counter free{SIGRTMAX - 3};
    std::atomic<bool> flag{false};
    const sigsafe::handler term{SIGTERM, [&]() noexcept { flag = true; }};
    waiter<sigsafe::backend::posix, decltype(by_wait)> waiting{flag, by_wait};
    waiting.let_sleep();
    waiting.await_sleep();
    terminate_here();
    waiting.join();
    try {
      sigsafe::set_wake_signal(SIGRTMIN + 6);
      CHILD_REQUIRE(false);
    } catch (const std::system_error& error) {
      CHILD_REQUIRE(error.code() == std::errc::device_or_resource_busy);
    }
    CHILD_REQUIRE(sigsafe::wake_signal() == SIGRTMIN + 5);
  })));
}

BOOST_AUTO_TEST_CASE(a_wake_signal_that_is_no_real_time_signal_is_refused) {
  for (const int signal : {0, SIGUSR1, SIGRTMIN - 1, SIGRTMAX + 1})
    BOOST_CHECK_EXCEPTION(
        sigsafe::set_wake_signal(signal), std::system_error,
        [](const std::system_error& error) { return error.code() == std::errc::invalid_argument; });
}

BOOST_AUTO_TEST_CASE(a_wake_signal_that_the_program_handles_is_an_error_of_wait) {
  BOOST_TEST(test::holds(in_child([] {
    test::install_foreign(sigsafe::wake_signal(), [](int) {});
    sigsafe::guard off;
    try {
      off.wait_for(0s);
      CHILD_REQUIRE(false);
    } catch (const std::system_error& error) {
      CHILD_REQUIRE(error.code() == std::errc::device_or_resource_busy);
    }
    CHILD_REQUIRE(test::everything_blocked());
  })));
}

BOOST_AUTO_TEST_CASE(a_signal_that_has_a_handler_is_no_wake_signal) {
  BOOST_TEST(test::holds(in_child([] {
    const test::counter used{SIGRTMIN + 5};
    try {
      sigsafe::set_wake_signal(SIGRTMIN + 5);
      CHILD_REQUIRE(false);
    } catch (const std::system_error& error) {
      CHILD_REQUIRE(error.code() == std::errc::device_or_resource_busy);
    }
    raise(SIGRTMIN + 5);
    CHILD_REQUIRE(used.runs() == 1);
  })));
}

BOOST_AUTO_TEST_CASE(a_signal_that_is_read_or_that_a_timer_has_is_no_wake_signal) {
  BOOST_TEST(test::holds(in_child([] {
    const auto is_refused_for = [](int signal, const char* reason) {
      const int before = sigsafe::wake_signal();
      try {
        sigsafe::set_wake_signal(signal);
      } catch (const std::system_error& error) {
        return error.code() == std::errc::device_or_resource_busy &&
               std::string{error.what()}.find(reason) != std::string::npos &&
               sigsafe::wake_signal() == before;
      }
      return false;
    };
    test::block({SIGRTMIN + 1});
    {
      const sigsafe::signal_fd read{{SIGRTMIN, SIGRTMIN + 1}};
      CHILD_REQUIRE(is_refused_for(SIGRTMIN, "a signal_fd reads it"));
      CHILD_REQUIRE(is_refused_for(SIGRTMIN + 1, "a signal_fd reads it"));  // blocked before
    }
    {
      const sigsafe::deadline_timer timer{[]() noexcept {}};
      CHILD_REQUIRE(is_refused_for(sigsafe::timer_signal(), "it has a handler"));
    }
    auto elsewhere = std::make_unique<sigsafe::signal_fd>(sigsafe::signal_set{SIGRTMIN});
    std::thread{[&] { elsewhere.reset(); }}.join();
    sigsafe::set_wake_signal(SIGRTMIN);
    sigsafe::set_wake_signal(sigsafe::timer_signal());
    try {
      const sigsafe::deadline_timer timer{[]() noexcept {}};
      CHILD_REQUIRE(false);
    } catch (const std::system_error& error) {
      CHILD_REQUIRE(error.code() == std::errc::invalid_argument);
      CHILD_REQUIRE(std::string{error.what()}.find("set_wake_signal") != std::string::npos);
    }
  })));
}

// As daemon(7) wants it.
BOOST_AUTO_TEST_CASE(the_wake_signal_comes_back_when_a_program_has_reset_its_dispositions) {
  BOOST_TEST(test::holds(in_child([] {
    { sigsafe::guard{}.wait_for(0s); }
    for (int signal = 1; signal <= 64; ++signal) ::signal(signal, SIG_DFL);
    std::atomic<bool> flag{false};
    const sigsafe::handler term{SIGTERM, [&]() noexcept { flag = true; }};
    waiter<sigsafe::backend::posix, decltype(by_wait)> waiting{flag, by_wait};
    waiting.let_sleep();
    waiting.await_sleep();
    terminate_here();
    waiting.join();
  })));
}

BOOST_AUTO_TEST_CASE(a_full_queue_of_signals_panics_instead_of_letting_a_thread_sleep) {
  BOOST_TEST(test::panics(in_child([] {
                            std::atomic<bool> flag{false};
                            const sigsafe::handler term{SIGTERM, [&]() noexcept { flag = true; }};
                            waiter<sigsafe::backend::lazy, decltype(by_wait)> waiting{flag,
                                                                                      by_wait};
                            waiting.let_sleep();
                            waiting.await_sleep();
                            const rlimit none{0, 0};
                            CHILD_REQUIRE(setrlimit(RLIMIT_SIGPENDING, &none) == 0);
                            terminate_here();
                            waiting.join();
                          }),
                          "cannot be woken"));
}

BOOST_AUTO_TEST_SUITE_END()
