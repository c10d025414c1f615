// Rule 14: other code saves, restores and calls sigsafe's handler as if it were one of its own.
#include <boost/test/unit_test.hpp>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <utility>

#include <sigsafe/alternate_stack.hpp>
#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/handler_options.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/signal_info.hpp>
#include <sigsafe/subset_guard.hpp>

#include <tests/support/backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/signals.hpp>

namespace {

using sigsafe::signal_set;
using test::arrived;
using test::everything_blocked;
using test::holds;
using test::in_resting_child;
using test::queue;
using test::send;

/// Notes what comes, and finds what every handler finds.
struct checking {
  void operator()(const sigsafe::signal_info& info) const noexcept {
    CHILD_REQUIRE(everything_blocked());
    CHILD_REQUIRE(!sigsafe::backend::lazy::enabled());
    arrived.add(info.native());
  }
};
using handler = sigsafe::handler<checking>;

const int real_time = SIGRTMIN + 3;

/// A handler is saved and restored, as curses, readline and CPython do.
void save_and_restore(int number) {
  void (*const saved)(int) = ::signal(number, SIG_IGN);
  CHILD_REQUIRE(saved != SIG_ERR);
  CHILD_REQUIRE(::signal(number, saved) != SIG_ERR);
}

int flags_of(int number) {
  struct sigaction action;
  sigaction(number, nullptr, &action);
  return action.sa_flags;
}

void (*replaced)(int) = nullptr;
void (*replaced_with_info)(int, siginfo_t*, void*) = nullptr;

/// Installs a handler that calls what it finds.
void install_calling(int number, void (*function)(int)) {
  replaced = ::signal(number, function);
  CHILD_REQUIRE(replaced != SIG_ERR);
}

/// Such calls are not right, which a sanitizer notices; but they are everyday.
__attribute__((no_sanitize("undefined"))) void call_replaced(int number) { replaced(number); }

void calls_with_the_number(int number) { call_replaced(number); }
__attribute__((no_sanitize("undefined"))) void calls_with_anything(int number) {
  const auto three =
      reinterpret_cast<void (*)(int, void*, void*)>(reinterpret_cast<void*>(replaced));
  three(number, reinterpret_cast<void*>(std::uintptr_t{16}),
        reinterpret_cast<void*>(~std::uintptr_t{0}));
}
void calls_with_all(int number, siginfo_t* info, void* context) {
  replaced_with_info(number, info, context);
}

void install_calling_with_info(int number) {
  struct sigaction found;
  struct sigaction action{};
  action.sa_sigaction = calls_with_all;
  action.sa_flags = SA_SIGINFO;
  CHILD_REQUIRE(sigaction(number, &action, &found) == 0);
  replaced_with_info = found.sa_sigaction;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(foreign_calls, test::clean_thread)

BOOST_AUTO_TEST_CASE(a_handler_that_signal_restores_goes_on_and_gets_its_flags_back) {
  for (const sigsafe::handler_options& options :
       {sigsafe::handler_options{}, {.restart = true}, {.alternate_stack = true, .restart = false}})
    BOOST_TEST(holds(in_resting_child([&] {
      const handler usr1{SIGUSR1, {}, options};
      const int flags = flags_of(SIGUSR1);
      save_and_restore(SIGUSR1);
      CHILD_REQUIRE(flags_of(SIGUSR1) != flags);
      queue(SIGUSR1, 5);
      CHILD_REQUIRE(arrived.are({SIGUSR1}));
      CHILD_REQUIRE(flags_of(SIGUSR1) == flags);
      arrived.clear();
      queue(SIGUSR1, 6);
      CHILD_REQUIRE(arrived.have_values({6}));
    })));
}

// In the same place on the stack, where what it had the last time still lies.
BOOST_AUTO_TEST_CASE(a_handler_that_signal_restores_again_gets_its_flags_back) {
  BOOST_TEST(holds(in_resting_child([] {
    const sigsafe::handler<test::note_arrival> usr1{SIGUSR1, {}};
    for (int value = 1; value <= 3; ++value) {
      queue(SIGUSR1, value);
      CHILD_REQUIRE((flags_of(SIGUSR1) & SA_SIGINFO) != 0);
      save_and_restore(SIGUSR1);
    }
    CHILD_REQUIRE(arrived[0].si_value.sival_int == 1 && arrived[1].si_code == SI_USER);
  })));
}

// What a foreign handler has left in the same place cannot be told from what the kernel writes.
BOOST_AUTO_TEST_CASE(a_siginfo_that_a_foreign_handler_has_left_passes_once_at_most) {
  BOOST_TEST(holds(in_resting_child([] {
    struct sigaction theirs{};
    theirs.sa_sigaction = [](int, siginfo_t*, void*) {};
    theirs.sa_flags = SA_SIGINFO;
    sigaction(SIGUSR1, &theirs, nullptr);
    std::optional<sigsafe::handler<test::note_arrival>> usr1;
    for (int value = 1; value <= 4; ++value) {
      queue(SIGUSR1, value);
      if (value > 1) continue;
      usr1.emplace(SIGUSR1, test::note_arrival{});
      save_and_restore(SIGUSR1);
    }
    CHILD_REQUIRE(arrived.are({SIGUSR1, SIGUSR1, SIGUSR1}));
    CHILD_REQUIRE((flags_of(SIGUSR1) & SA_SIGINFO) != 0);
    CHILD_REQUIRE(arrived[2].si_code == SI_QUEUE && arrived[2].si_value.sival_int == 4);
  })));
}

BOOST_AUTO_TEST_CASE(nothing_nests_in_a_handler_that_signal_restores) {
  BOOST_TEST(holds(in_resting_child([] {
    const handler usr2{SIGUSR2, {}};
    const sigsafe::handler usr1{SIGUSR1, [](const sigsafe::signal_info& info) noexcept {
                                  send(SIGUSR2);
                                  CHILD_REQUIRE(arrived.size() == 0);
                                  arrived.add(info.native());
                                }};
    save_and_restore(SIGUSR1);
    send(SIGUSR1);
    CHILD_REQUIRE(arrived.are({SIGUSR1, SIGUSR2}));
  })));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_that_signal_restores_is_held_off, B,
                              test::hosted_backends) {
  BOOST_TEST(holds(in_resting_child([] {
    const handler usr1{SIGUSR1, {}};
    const handler queued{real_time, {}};
    {
      const sigsafe::basic_guard<B> off;
      save_and_restore(SIGUSR1);
      queue(real_time, 1);
      send(SIGUSR1);
      queue(real_time, 2);
      CHILD_REQUIRE(arrived.size() == 0);
    }
    CHILD_REQUIRE(arrived.size() == 3);
  })));
}

BOOST_AUTO_TEST_CASE(a_foreign_handler_may_call_it_with_the_number_alone) {
  for (void (*const calling)(int) : {calls_with_the_number, calls_with_anything}) {
    BOOST_TEST(holds(in_resting_child([=] {
      const handler usr1{SIGUSR1, {}};
      install_calling(SIGUSR1, calling);
      send(SIGUSR1);
      CHILD_REQUIRE(arrived.are({SIGUSR1}));
      CHILD_REQUIRE(arrived[0].si_code == SI_USER && arrived[0].si_pid == 0);
    })));
  }
}

BOOST_AUTO_TEST_CASE(a_foreign_handler_that_calls_it_is_held_off_by_a_lazy_guard) {
  for (void (*const calling)(int) : {calls_with_the_number, calls_with_anything}) {
    BOOST_TEST(holds(in_resting_child([=] {
      const handler usr1{SIGUSR1, {}};
      install_calling(SIGUSR1, calling);
      {
        const sigsafe::lazy::guard off;
        send(SIGUSR1);
        CHILD_REQUIRE(arrived.size() == 0);
      }
      CHILD_REQUIRE(arrived.are({SIGUSR1}));
    })));
  }
}

BOOST_AUTO_TEST_CASE(a_foreign_handler_passes_the_siginfo_on) {
  BOOST_TEST(holds(in_resting_child([] {
    const handler queued{real_time, {}};
    install_calling_with_info(real_time);
    queue(real_time, 1);
    CHILD_REQUIRE(arrived.have_values({1}));
    {
      const sigsafe::lazy::guard off;
      queue(real_time, 2);
      CHILD_REQUIRE(arrived.have_values({1}));
    }
    CHILD_REQUIRE(arrived.have_values({1, 2}));
  })));
}

// One is deferred already: to queue another again would call the foreign handler for ever.
BOOST_AUTO_TEST_CASE(calls_behind_a_deferral_are_dispatched_with_it) {
  BOOST_TEST(holds(in_resting_child([] {
    const handler usr1{SIGUSR1, {}};
    const handler usr2{SIGUSR2, {}};
    const handler hup{SIGHUP, {}};
    static int calls = 0;
    install_calling(SIGUSR1, [](int number) {
      ++calls;
      call_replaced(number);
    });
    {
      const sigsafe::lazy::guard off;
      send(SIGUSR2);
      test::unblock({SIGUSR1});
      send(SIGUSR1);
      CHILD_REQUIRE(calls == 1 && arrived.size() == 0);
      send(SIGHUP);
    }
    CHILD_REQUIRE(calls == 1);
    CHILD_REQUIRE(arrived.are({SIGUSR2, SIGUSR1, SIGHUP}));
  })));
}

// They are its parent's to dispatch, as what it had deferred (rule 10).
BOOST_AUTO_TEST_CASE(a_forked_child_forgets_the_calls_behind_its_parents_deferral) {
  BOOST_TEST(holds(in_resting_child([] {
    const handler usr1{SIGUSR1, {}};
    const handler usr2{SIGUSR2, {}};
    const handler hup{SIGHUP, {}};
    install_calling(SIGUSR1, calls_with_the_number);
    std::optional<sigsafe::lazy::guard> off{std::in_place, sigsafe::location::current()};
    send(SIGUSR2);
    test::unblock({SIGUSR1});
    send(SIGUSR1);
    const pid_t child = fork();
    if (child == 0) {
      off.reset();
      CHILD_REQUIRE(arrived.size() == 0);
      off.emplace(sigsafe::location::current());
      send(SIGHUP);
      off.reset();
      CHILD_REQUIRE(arrived.are({SIGHUP}));
      _exit(42);
    }
    const int status = test::status_of(child);
    CHILD_REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    off.reset();
    CHILD_REQUIRE(arrived.are({SIGUSR2, SIGUSR1}));
  })));
}

// What is deferred by a call is not queued again for the frame that it would like to have.
BOOST_AUTO_TEST_CASE(a_call_in_a_lazy_guard_calls_the_foreign_handler_once) {
  BOOST_TEST(holds(in_resting_child([] {
    const sigsafe::handler usr1{SIGUSR1, checking{}, {.alternate_stack = true}};
    static int calls = 0;
    install_calling(SIGUSR1, [](int number) {
      ++calls;
      call_replaced(number);
    });
    {
      const sigsafe::lazy::guard off;
      send(SIGUSR1);
    }
    CHILD_REQUIRE(calls == 1 && arrived.are({SIGUSR1}));
  })));
}

// As on i386 and aarch64, where the kernel then calls without a siginfo.
BOOST_AUTO_TEST_CASE(a_call_behind_a_signal_that_has_lost_the_flags_comes_back_with_a_frame) {
  BOOST_TEST(holds(in_resting_child([] {
    static int calls = 0;
    static bool has_stack = false;
    const sigsafe::alternate_stack stack;
    const auto on_usr1 = [](const sigsafe::signal_info& info) noexcept {
      stack_t now;
      sigaltstack(nullptr, &now);
      has_stack = (now.ss_flags & SS_ONSTACK) != 0;
      CHILD_REQUIRE(info.context() != nullptr);
      ++calls;
    };
    const sigsafe::handler usr1{SIGUSR1, on_usr1, {.alternate_stack = true}};
    for (const bool held : {false, true}) {
      install_calling(SIGUSR1, [](int number) {
        ::signal(number, replaced);
        const int before = calls;
        call_replaced(number);
        CHILD_REQUIRE(calls == before);
      });
      {
        std::optional<sigsafe::lazy::guard> off;
        if (held) off.emplace(sigsafe::location::current());
        send(SIGUSR1);
        CHILD_REQUIRE(calls == 1);
      }
      CHILD_REQUIRE(calls == (held ? 2 : 1) && has_stack);
    }
  })));
}

BOOST_AUTO_TEST_CASE(a_call_from_outside_of_any_handler_runs_it) {
  BOOST_TEST(holds(in_resting_child([] {
    const handler usr1{SIGUSR1, {}};
    install_calling(SIGUSR1, SIG_DFL);
    call_replaced(SIGUSR1);
    CHILD_REQUIRE(arrived.are({SIGUSR1}));
    {
      const sigsafe::lazy::guard off;
      call_replaced(SIGUSR1);
      CHILD_REQUIRE(arrived.are({SIGUSR1}));
    }
    CHILD_REQUIRE(arrived.are({SIGUSR1, SIGUSR1}));
  })));
}

BOOST_AUTO_TEST_CASE(a_call_with_a_number_that_is_no_signal_does_nothing) {
  BOOST_TEST(holds(in_resting_child([] {
    const handler usr1{SIGUSR1, {}};
    install_calling(SIGUSR1, SIG_DFL);
    for (const int number : {-5, 0, 33, 65, 1000}) call_replaced(number);
    CHILD_REQUIRE(arrived.size() == 0);
  })));
}

BOOST_AUTO_TEST_SUITE_END()
