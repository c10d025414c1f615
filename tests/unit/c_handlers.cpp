// sigsafe.h: handlers, their options and their errors.
#include <boost/test/unit_test.hpp>

#include <sigsafe/sigsafe.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/signals.hpp>

namespace {

using test::check_in_child;
using test::check_kills;
using test::in_child;
using test::send;

std::atomic<int> runs{0};
void count(const sigsafe_signal*, void*) { ++runs; }

bool says(const char* text) {
  return std::string{sigsafe_error_text()}.find(text) != std::string::npos;
}

bool is_default(int signal) {
  struct sigaction now;
  sigaction(signal, nullptr, &now);
  return now.sa_handler == SIG_DFL;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(c_handlers, test::clean_thread)

BOOST_AUTO_TEST_CASE(a_function_is_told_the_signal_and_its_data) {
  check_in_child([] {
    struct told {
      int number = 0;
      int value = 0;
      bool has_context = false;
    } seen;
    const auto note = [](const sigsafe_signal* signal, void* data) {
      auto& to = *static_cast<told*>(data);
      to = {signal->number, signal->info->si_value.sival_int, signal->context != nullptr};
    };
    sigsafe_handler handler = SIGSAFE_HANDLER_INIT;
    CHILD_REQUIRE(sigsafe_handler_register(&handler, SIGRTMIN, 0, note, &seen) == 0);
    test::queue(SIGRTMIN, 42);
    CHILD_REQUIRE(seen.number == SIGRTMIN && seen.value == 42 && seen.has_context);
    sigsafe_lazy_enter();
    test::queue(SIGRTMIN, 43);
    CHILD_REQUIRE(seen.value == 42);
    sigsafe_lazy_leave();
    CHILD_REQUIRE(seen.value == 43);
  });
}

BOOST_AUTO_TEST_CASE(a_second_unregister_is_an_error) {
  check_in_child([] {
    sigsafe_handler handler = SIGSAFE_HANDLER_INIT;
    CHILD_REQUIRE(sigsafe_handler_unregister(&handler) == EINVAL);
    CHILD_REQUIRE(sigsafe_handler_register(&handler, SIGUSR1, 0, count, nullptr) == 0);
    CHILD_REQUIRE(sigsafe_handler_active(&handler) && sigsafe_handler_in_force(&handler));
    CHILD_REQUIRE(sigsafe_handler_unregister(&handler) == 0 && is_default(SIGUSR1));
    CHILD_REQUIRE(!sigsafe_handler_active(&handler) && !sigsafe_handler_in_force(&handler));
    CHILD_REQUIRE(sigsafe_handler_unregister(&handler) == EINVAL && says("not registered"));
    CHILD_REQUIRE(sigsafe_handler_reinstall(&handler) == EINVAL);
    CHILD_REQUIRE(sigsafe_handler_register(&handler, SIGUSR1, 0, count, nullptr) == 0);
    send(SIGUSR1);
    CHILD_REQUIRE(runs == 1);
  });
}

BOOST_AUTO_TEST_CASE(of_two_threads_one_unregisters) {
  for (int i = 0; i < 2000; ++i) {
    sigsafe_handler both{};
    BOOST_REQUIRE(sigsafe_handler_register(&both, SIGUSR1, 0, count, nullptr) == 0);
    std::atomic<int> ready{0}, ended{0};
    const auto end = [&] {
      for (++ready; ready < 2;) continue;
      if (sigsafe_handler_unregister(&both) == 0) ++ended;
    };
    std::thread other{end};
    end();
    other.join();
    BOOST_REQUIRE(ended == 1);
  }
}

BOOST_AUTO_TEST_CASE(bad_input_is_an_error_that_says_what_to_do) {
  check_in_child([] {
    sigsafe_handler handler = SIGSAFE_HANDLER_INIT;
    const auto refused = [&](int signal, unsigned options, sigsafe_handler_function* function,
                             const char* text) {
      return sigsafe_handler_register(&handler, signal, options, function, nullptr) == EINVAL &&
             says(text);
    };
    CHILD_REQUIRE(refused(SIGKILL, 0, count, "SIGTERM"));
    CHILD_REQUIRE(refused(0, 0, count, "1 to 64"));
    CHILD_REQUIRE(refused(65, 0, count, "1 to 64"));
    CHILD_REQUIRE(refused(-1, 0, count, "1 to 64"));
    CHILD_REQUIRE(refused(SIGUSR1, 0, nullptr, "null"));
    CHILD_REQUIRE(refused(SIGUSR1, 1U << 9, count, "enum sigsafe_handler_option"));
    CHILD_REQUIRE(refused(SIGUSR1, 1U << 31, count, "enum sigsafe_handler_option"));
    CHILD_REQUIRE(refused(SIGSEGV, SIGSAFE_ONCE, count, ".once"));
    CHILD_REQUIRE(refused(SIGUSR1, SIGSAFE_ONCE | SIGSAFE_NOT_DEFERRABLE, count, ".once"));
    sigset_t none;
    sigemptyset(&none);
    CHILD_REQUIRE(sigsafe_handler_register_set(&handler, &none, 0, count, nullptr) == EINVAL);
    CHILD_REQUIRE(sigsafe_handler_register_set(&handler, nullptr, 0, count, nullptr) == EINVAL);
    CHILD_REQUIRE(!sigsafe_handler_active(&handler) && is_default(SIGUSR1));
    CHILD_REQUIRE(sigsafe_handler_register(&handler, SIGUSR1, 0, count, nullptr) == 0);
    CHILD_REQUIRE(sigsafe_handler_register(&handler, SIGUSR2, 0, count, nullptr) == EBUSY);
    CHILD_REQUIRE(is_default(SIGUSR2));
    sigsafe_handler other = SIGSAFE_HANDLER_INIT;
    CHILD_REQUIRE(
        sigsafe_handler_register(&other, SIGUSR1, SIGSAFE_NOT_DEFERRABLE, count, nullptr) != 0);
  });
}

BOOST_AUTO_TEST_CASE(errors_leave_errno_alone) {
  check_in_child([] {
    sigsafe_handler handler = SIGSAFE_HANDLER_INIT;
    errno = ENOTTY;
    CHILD_REQUIRE(sigsafe_handler_register(&handler, SIGKILL, 0, count, nullptr) == EINVAL);
    CHILD_REQUIRE(errno == ENOTTY);
    CHILD_REQUIRE(sigsafe_handler_register(&handler, SIGUSR1, 0, count, nullptr) == 0);
    CHILD_REQUIRE(errno == ENOTTY);
  });
}

BOOST_AUTO_TEST_CASE(a_set_is_registered_as_a_whole) {
  check_in_child([] {
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGUSR1);
    sigaddset(&both, SIGUSR2);
    sigsafe_handler handler = SIGSAFE_HANDLER_INIT;
    CHILD_REQUIRE(sigsafe_handler_register_set(&handler, &both, 0, count, nullptr) == 0);
    send(SIGUSR1);
    send(SIGUSR2);
    CHILD_REQUIRE(runs == 2);
    CHILD_REQUIRE(sigsafe_handler_unregister(&handler) == 0);
    CHILD_REQUIRE(is_default(SIGUSR1) && is_default(SIGUSR2));
  });
}

// ---- options: that each bit reaches the option that it names

BOOST_AUTO_TEST_CASE(ignore_at_end) {
  check_in_child([] {
    sigsafe_handler handler = SIGSAFE_HANDLER_INIT;
    CHILD_REQUIRE(
        sigsafe_handler_register(&handler, SIGUSR1, SIGSAFE_IGNORE_AT_END, count, nullptr) == 0);
    CHILD_REQUIRE(sigsafe_handler_unregister(&handler) == 0);
    send(SIGUSR1);
  });
  check_kills(SIGUSR1, [] {
    sigsafe_handler handler = SIGSAFE_HANDLER_INIT;
    CHILD_REQUIRE(sigsafe_handler_register(&handler, SIGUSR1, 0, count, nullptr) == 0);
    CHILD_REQUIRE(sigsafe_handler_unregister(&handler) == 0);
    send(SIGUSR1);
  });
}

BOOST_AUTO_TEST_CASE(chain_and_alternate_stack) {
  check_in_child([] {
    static std::atomic<int> foreign{0};
    test::install_foreign(SIGUSR1, [](int) { ++foreign; });
    sigsafe_alternate_stack stack = SIGSAFE_ALTERNATE_STACK_INIT;
    CHILD_REQUIRE(sigsafe_alternate_stack_begin(&stack, 0) == 0);
    CHILD_REQUIRE(sigsafe_alternate_stack_begin(&stack, 0) == EBUSY);
    static std::atomic<bool> is_there{false};
    const auto look = [](const sigsafe_signal*, void*) {
      stack_t now;
      is_there = sigaltstack(nullptr, &now) == 0 && (now.ss_flags & SS_ONSTACK) != 0;
    };
    sigsafe_handler handler = SIGSAFE_HANDLER_INIT;
    CHILD_REQUIRE(sigsafe_handler_register(&handler, SIGUSR1,
                                           SIGSAFE_CHAIN | SIGSAFE_ALTERNATE_STACK, look,
                                           nullptr) == 0);
    send(SIGUSR1);
    CHILD_REQUIRE(foreign == 1 && is_there);
    CHILD_REQUIRE(sigsafe_handler_unregister(&handler) == 0);
    CHILD_REQUIRE(sigsafe_alternate_stack_end(&stack) == 0);
    CHILD_REQUIRE(sigsafe_alternate_stack_end(&stack) == EINVAL);
  });
}

BOOST_AUTO_TEST_CASE(not_deferrable) {
  check_in_child([] {
    sigsafe_handler handler = SIGSAFE_HANDLER_INIT;
    CHILD_REQUIRE(
        sigsafe_handler_register(&handler, SIGPROF, SIGSAFE_NOT_DEFERRABLE, count, nullptr) == 0);
    sigsafe_lazy_enter();
    send(SIGPROF);
    CHILD_REQUIRE(runs == 1);
    sigsafe_lazy_leave();
  });
}

BOOST_AUTO_TEST_CASE(not_in_child) {
  check_in_child([] {
    sigsafe_handler handler = SIGSAFE_HANDLER_INIT;
    CHILD_REQUIRE(
        sigsafe_handler_register(&handler, SIGUSR1, SIGSAFE_NOT_IN_CHILD, count, nullptr) == 0);
    const pid_t child = fork();
    if (child == 0) {
      send(SIGUSR1);
      _exit(0);
    }
    const int status = test::status_of(child);
    CHILD_REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
  });
}

BOOST_AUTO_TEST_CASE(once) {
  check_in_child([] {
    sigsafe_handler handler = SIGSAFE_HANDLER_INIT;
    CHILD_REQUIRE(sigsafe_handler_register(&handler, SIGUSR1, SIGSAFE_ONCE | SIGSAFE_IGNORE_AT_END,
                                           count, nullptr) == 0);
    send(SIGUSR1);
    send(SIGUSR1);
    CHILD_REQUIRE(runs == 1 && !sigsafe_handler_active(&handler));
    CHILD_REQUIRE(sigsafe_handler_unregister(&handler) == 0);
  });
}

BOOST_AUTO_TEST_CASE(respect_ignored) {
  check_in_child([] {
    signal(SIGHUP, SIG_IGN);
    sigsafe_handler handler = SIGSAFE_HANDLER_INIT;
    CHILD_REQUIRE(
        sigsafe_handler_register(&handler, SIGHUP, SIGSAFE_RESPECT_IGNORED, count, nullptr) == 0);
    send(SIGHUP);
    CHILD_REQUIRE(runs == 0 && !sigsafe_handler_active(&handler));
    CHILD_REQUIRE(sigsafe_handler_unregister(&handler) == 0);
  });
}

BOOST_AUTO_TEST_CASE(restart) {
  check_in_child([] {
    const auto flags = [] {
      struct sigaction now;
      sigaction(SIGUSR1, nullptr, &now);
      return now.sa_flags & SA_RESTART;
    };
    sigsafe_handler handler = SIGSAFE_HANDLER_INIT;
    CHILD_REQUIRE(sigsafe_handler_register(&handler, SIGUSR1, SIGSAFE_RESTART, count, nullptr) ==
                  0);
    CHILD_REQUIRE(flags() != 0);
    CHILD_REQUIRE(sigsafe_handler_unregister(&handler) == 0);
    CHILD_REQUIRE(sigsafe_handler_register(&handler, SIGUSR1, 0, count, nullptr) == 0);
    CHILD_REQUIRE(flags() == 0);
  });
}

BOOST_AUTO_TEST_CASE(this_thread) {
  check_in_child([] {
    static std::atomic<pid_t> ran_on{0};
    const auto note = [](const sigsafe_signal*, void*) { ran_on = test::own_thread(); };
    sigsafe_handler handler = SIGSAFE_HANDLER_INIT;
    CHILD_REQUIRE(sigsafe_handler_register(&handler, SIGUSR1, SIGSAFE_THIS_THREAD, note, nullptr) ==
                  0);
    std::thread{[] { send(SIGUSR1); }}.join();
    sigsafe_lazy_enter();
    while (ran_on == 0) sigsafe_wait();
    sigsafe_lazy_leave();
    CHILD_REQUIRE(ran_on == test::own_thread());
  });
}

BOOST_AUTO_TEST_CASE(in_force_and_reinstall) {
  check_in_child([] {
    sigsafe_handler handler = SIGSAFE_HANDLER_INIT;
    CHILD_REQUIRE(sigsafe_handler_register(&handler, SIGUSR1, 0, count, nullptr) == 0);
    test::install_foreign(SIGUSR1, [](int) {});
    CHILD_REQUIRE(!sigsafe_handler_in_force(&handler));
    CHILD_REQUIRE(sigsafe_handler_reinstall(&handler) == 0 && sigsafe_handler_in_force(&handler));
    send(SIGUSR1);
    CHILD_REQUIRE(runs == 1);
  });
}

BOOST_AUTO_TEST_CASE(a_handler_can_take_the_default) {
  check_kills(SIGTERM, [] {
    sigsafe_handler handler = SIGSAFE_HANDLER_INIT;
    const auto die = [](const sigsafe_signal* signal, void*) { sigsafe_take_default(signal); };
    CHILD_REQUIRE(sigsafe_handler_register(&handler, SIGTERM, 0, die, nullptr) == 0);
    send(SIGTERM);
  });
}

BOOST_AUTO_TEST_CASE(signals_have_names) {
  BOOST_TEST(std::string{sigsafe_signal_name(SIGHUP)} == "SIGHUP");
  BOOST_TEST(std::string{sigsafe_signal_name(SIGRTMIN + 3)} == "SIGRTMIN+3");
  BOOST_TEST(std::string{sigsafe_signal_name(-1)}.empty());
}

BOOST_AUTO_TEST_CASE(a_panic_names_the_place_of_the_registration) {
  static sigsafe_handler handler = SIGSAFE_HANDLER_INIT;
  const unsigned line = __LINE__ + 3;
  const auto end = in_child([] {
    const auto end_it = [](const sigsafe_signal*, void*) { sigsafe_handler_unregister(&handler); };
    sigsafe_handler_register(&handler, SIGUSR1, 0, end_it, nullptr);
    send(SIGUSR1);
  });
  BOOST_TEST(test::panics(end, std::string{__FILE__} + ":" + std::to_string(line)));
}

BOOST_AUTO_TEST_CASE(a_panic_function_is_told_what_and_where) {
  check_in_child([] {
    sigsafe_set_panic_function([](const char* what, const char* file, unsigned line) {
      _exit(std::string{what}.find("wait") != std::string::npos && file != nullptr && line != 0
                ? 0
                : 1);
    });
    sigsafe_wait();
    _exit(1);
  });
}

BOOST_AUTO_TEST_SUITE_END()
