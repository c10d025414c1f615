// What a program begins with that is executed in a child of one's own fork.
#include <boost/test/unit_test.hpp>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/process.hpp>

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <string>
#include <utility>

#include <tests/support/backends.hpp>
#include <tests/support/child.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/programs.hpp>

namespace {

using sigsafe::signal_set;
using test::check_in_child;
using test::signals_in;

/// Async-signal-safe.
[[noreturn]] void print_status(int to, signal_set ignored = {}) noexcept {
  sigsafe::prepare_exec(ignored);
  dup2(to, STDOUT_FILENO);
  execl("/bin/cat", "cat", "/proc/self/status", static_cast<char*>(nullptr));
  _exit(127);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(prepare_exec)

BOOST_AUTO_TEST_CASE_TEMPLATE(the_program_has_default_actions_and_the_program_mask, Backend,
                              test::hosted_backends) {
  check_in_child([] {
    const sigset_t of_program = signal_set{SIGUSR2}.native();
    sigprocmask(SIG_BLOCK, &of_program, nullptr);
    signal(SIGPIPE, SIG_IGN);
    std::atomic<int> calls{0};
    const sigsafe::handler handler{SIGUSR1, [&]() noexcept { ++calls; }};
    test::cloexec_pipe out;
    {
      const sigsafe::basic_guard<Backend> held;
      raise(SIGUSR1);
      if (fork() == 0) print_status(out.writer(), {SIGHUP});
      CHILD_REQUIRE(calls == 0);
    }
    CHILD_REQUIRE(calls == 1);  // the parent's own
    const std::string status = out.read_all();
    CHILD_REQUIRE(signals_in(status, "SigBlk") == signal_set{SIGUSR2});
    CHILD_REQUIRE(signals_in(status, "SigIgn") == signal_set{SIGHUP});
    CHILD_REQUIRE(signals_in(status, "SigPnd").empty() && signals_in(status, "ShdPnd").empty());
  });
}

BOOST_AUTO_TEST_CASE(nothing_is_blocked_when_a_handler_has_forked) {
  check_in_child([] {
    test::cloexec_pipe out;
    const int to = out.writer();
    const sigsafe::handler handler{SIGUSR1, [&]() noexcept {
                                     if (fork() == 0) print_status(to);
                                   }};
    raise(SIGUSR1);
    CHILD_REQUIRE(signals_in(out.read_all(), "SigBlk").empty());
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_signal_to_the_child_inside_a_guard_is_not_lost, Backend,
                              test::hosted_backends) {
  check_in_child([] {
    const sigsafe::handler handler{SIGTERM, []() noexcept { CHILD_REQUIRE(false); }};
    std::optional<sigsafe::basic_guard<Backend>> held{std::in_place};
    const pid_t forked = fork();
    if (forked == 0) {
      raise(SIGTERM);
      sigsafe::prepare_exec();
      _exit(0);
    }
    const int status = test::status_of(forked);
    CHILD_REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
  });
}

BOOST_AUTO_TEST_CASE(errno_is_kept) {
  check_in_child([] {
    errno = ENOMSG;
    sigsafe::prepare_exec();
    CHILD_REQUIRE(errno == ENOMSG);
  });
}

BOOST_AUTO_TEST_SUITE_END()
