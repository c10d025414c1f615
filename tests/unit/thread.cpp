#include <boost/test/unit_test.hpp>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/subset_guard.hpp>
#include <sigsafe/thread.hpp>

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include <tests/support/backends.hpp>
#include <tests/support/child.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>

namespace {

using sigsafe::signal_set;
using test::check_in_child;

signal_set mask_of_a_thread(sigsafe::thread_options options = {}) {
  signal_set mask;
  sigsafe::thread{options, [&] { mask = signal_set::blocked(); }}.join();
  return mask;
}

}  // namespace

static_assert(!std::is_copy_constructible_v<sigsafe::thread> &&
              std::is_nothrow_move_constructible_v<sigsafe::thread>);

BOOST_FIXTURE_TEST_SUITE(thread, test::clean_thread)

BOOST_AUTO_TEST_CASE(it_blocks_every_maskable_signal) {
  const signal_set before = signal_set::blocked();
  BOOST_TEST((mask_of_a_thread() == (signal_set::maskable() | before)));
  BOOST_TEST((signal_set::blocked() == before), "the creator's mask has changed");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_receives_what_it_names_whatever_the_creator_holds, Backend,
                              test::hosted_backends) {
  check_in_child([] {
    constexpr sigsafe::thread_options receives{.receives = {SIGCHLD, SIGUSR2}};
    const signal_set wanted = signal_set::maskable() - receives.receives;
    const sigsafe::handler handler{SIGUSR1, []() noexcept {}};
    const sigset_t by_program = signal_set{SIGUSR2}.native();
    sigprocmask(SIG_BLOCK, &by_program, nullptr);
    CHILD_REQUIRE(mask_of_a_thread(receives) == wanted);
    {
      const sigsafe::basic_guard<Backend> held;
      CHILD_REQUIRE(mask_of_a_thread(receives) == wanted);
      raise(SIGUSR1);  // a deferral
      const signal_set before = signal_set::blocked();
      CHILD_REQUIRE(mask_of_a_thread(receives) == wanted);
      CHILD_REQUIRE(signal_set::blocked() == before);
    }
    const sigsafe::subset_guard named{{SIGCHLD}};
    CHILD_REQUIRE(mask_of_a_thread(receives) == wanted);
    CHILD_REQUIRE(signal_set::blocked() == (signal_set{SIGUSR2, SIGCHLD}));
  });
}

BOOST_AUTO_TEST_CASE(a_signal_of_the_process_comes_to_the_one_that_receives_it) {
  check_in_child([] {
    std::atomic<int> calls{0};
    std::atomic<pid_t> by{0};
    const sigsafe::handler handler{SIGUSR1, [&]() noexcept {
                                     by = gettid();
                                     ++calls;
                                   }};
    const sigsafe::guard held;  // so that this thread is none that could take it
    std::atomic<pid_t> number{0};
    const sigsafe::thread deaf{[](std::stop_token stop) {
      while (!stop.stop_requested()) sched_yield();
    }};
    const sigsafe::thread receiver{{.receives = {SIGUSR1}}, [&](std::stop_token stop) {
                                     number = gettid();
                                     while (!stop.stop_requested()) sched_yield();
                                   }};
    while (number == 0) sched_yield();
    kill(getpid(), SIGUSR1);
    while (calls == 0) sched_yield();
    CHILD_REQUIRE(by == number);
  });
}

BOOST_AUTO_TEST_CASE(faults_are_never_blocked) {
  check_in_child([] {
    CHILD_REQUIRE((mask_of_a_thread() & (signal_set::faults() | signal_set{SIGABRT})).empty());
  });
}

BOOST_AUTO_TEST_CASE(the_destructor_asks_it_to_stop_and_joins) {
  std::atomic<bool> ended{false};
  {
    const sigsafe::thread worker{[&](std::stop_token stop) {
      while (!stop.stop_requested()) sched_yield();
      ended = true;
    }};
  }
  BOOST_TEST(ended);
}

BOOST_AUTO_TEST_CASE(arguments_are_passed_on) {
  int sum = 0;
  sigsafe::thread{[&](int a, const std::unique_ptr<int>& b) { sum = a + *b; }, 1,
                  std::make_unique<int>(2)}
      .join();
  BOOST_TEST(sum == 3);
  sigsafe::thread{[](std::stop_token, int& to, int value) { to = value; }, std::ref(sum), 5}.join();
  BOOST_TEST(sum == 5);
}

BOOST_AUTO_TEST_CASE(it_moves) {
  std::atomic<int> runs{0};
  const auto work = [&](std::stop_token stop) {
    ++runs;
    while (!stop.stop_requested()) sched_yield();
    --runs;
  };
  sigsafe::thread first{work}, none;
  BOOST_TEST(first.joinable());
  BOOST_TEST(!none.joinable());
  none = std::move(first);
  BOOST_TEST(none.joinable());
  BOOST_TEST((none.get_id() != sigsafe::thread::id{}));
  swap(first, none);
  BOOST_TEST(first.request_stop());
  first.join();
  first = sigsafe::thread{work};
  first = sigsafe::thread{};  // stops and joins
  BOOST_TEST(runs == 0);
}

BOOST_AUTO_TEST_CASE(an_exception_terminates) {
  const test::child_end end = test::in_child([] {
    std::set_terminate([] { _exit(42); });
    sigsafe::thread{[] { throw 1; }}.join();
  });
  BOOST_TEST(WIFEXITED(end.status));
  BOOST_TEST(WEXITSTATUS(end.status) == 42);
}

BOOST_AUTO_TEST_CASE(no_room_for_one_more_is_an_error_that_changes_nothing) {
  check_in_child([] {
    if (getuid() == 0) CHILD_REQUIRE(setresuid(65534, 65534, 65534) == 0);
    constexpr rlimit none{0, 0};
    CHILD_REQUIRE(setrlimit(RLIMIT_NPROC, &none) == 0);
    const signal_set before = signal_set::blocked();
    const auto counted = std::make_shared<int>();
    try {
      const sigsafe::thread never{[counted] {}};
      CHILD_REQUIRE(false);
    } catch (const std::system_error& error) {
      CHILD_REQUIRE(error.code().value() == EAGAIN);
      CHILD_REQUIRE(std::string{error.what()}.find("raise RLIMIT_NPROC") != std::string::npos);
    }
    CHILD_REQUIRE(counted.use_count() == 1);
    CHILD_REQUIRE(signal_set::blocked() == before);
  });
}

BOOST_AUTO_TEST_SUITE_END()
