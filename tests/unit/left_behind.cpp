// What leaves a hold without releasing it, and what starts inside one.
#include <boost/test/unit_test.hpp>

#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/process.hpp>
#include <sigsafe/subset_guard.hpp>

#include <tests/support/arrivals.hpp>
#include <tests/support/backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/signals.hpp>

namespace {

using sigsafe::program_mask;
using sigsafe::signal_set;
using test::in_child;

/// A guard that nobody releases.
void hold_for_ever() { ::new (std::malloc(sizeof(sigsafe::lazy::guard))) sigsafe::lazy::guard; }

/// Exits with 0 when SIGTERM is not blocked.
constexpr const char* tells_its_mask =
    "mask=$(sed -n 's/^SigBlk:[[:space:]]*//p' /proc/self/status); "
    "test $(( (0x$mask >> 14) & 1 )) = 0";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(left_behind, test::clean_thread)

BOOST_AUTO_TEST_CASE(a_thread_that_ends_gives_back_what_it_has_deferred) {
  BOOST_TEST(test::holds(in_child([] {
    std::atomic<pthread_t> ran_on{};
    const sigsafe::handler usr1{SIGUSR1, [&]() noexcept { ran_on = pthread_self(); }};
    pthread_t thread;
    CHILD_REQUIRE(pthread_create(
                      &thread, nullptr,
                      [](void*) -> void* {
                        hold_for_ever();
                        test::send(SIGUSR1);
                        CHILD_REQUIRE(test::has_deferred());
                        pthread_exit(nullptr);
                      },
                      nullptr) == 0);
    CHILD_REQUIRE(pthread_join(thread, nullptr) == 0);
    CHILD_REQUIRE(ran_on.load() == pthread_self());
  })));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_program_mask_is_that_without_a_guard, B, test::hosted_backends) {
  BOOST_TEST(test::holds(test::in_resting_child([] {
    const test::counter usr1{SIGUSR1};
    const signal_set before = signal_set::blocked();
    {
      const sigsafe::basic_guard<B> off;
      CHILD_REQUIRE(program_mask() == before);
      test::send(SIGUSR1);
      CHILD_REQUIRE(test::everything_blocked());
      CHILD_REQUIRE(program_mask() == before);
      const sigsafe::subset_guard subset{signal_set{SIGUSR2}};
      CHILD_REQUIRE(program_mask() == (before | signal_set{SIGUSR2}));
    }
    CHILD_REQUIRE(program_mask() == before);
  })));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_program_that_starts_in_a_guard_can_be_given_the_program_mask, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(in_child([] {
    const test::counter usr1{SIGUSR1};
    const sigsafe::basic_guard<B> off;
    test::send(SIGUSR1);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    const sigset_t mask = program_mask().native();
    posix_spawnattr_setsigmask(&attributes, &mask);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    std::string script = tells_its_mask;
    char shell[] = "/bin/sh", option[] = "-c";
    char* const arguments[] = {shell, option, script.data(), nullptr};
    pid_t child;
    CHILD_REQUIRE(posix_spawn(&child, shell, nullptr, &attributes, arguments, environ) == 0);
    CHILD_REQUIRE(test::status_of(child) == 0);
  })));
}

BOOST_AUTO_TEST_SUITE_END()
