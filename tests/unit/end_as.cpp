// How a supervisor ends, and who gets the orphans.
#include <boost/test/unit_test.hpp>

#include <sigsafe/exit_status.hpp>
#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/process.hpp>
#include <sigsafe/signal_set.hpp>

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <tests/support/backends.hpp>
#include <tests/support/child.hpp>
#include <tests/support/first_process.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/signals.hpp>

namespace {

using sigsafe::exit_status;
using test::check_in_child;
using test::check_kills;
using test::child_end;

template <class F>
void check_exits(int code, F function) {
  const child_end end = test::in_child(function);
  BOOST_CHECK_MESSAGE(!end.hung && WIFEXITED(end.status) && WEXITSTATUS(end.status) == code, end);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(end_as)

BOOST_AUTO_TEST_CASE(by_a_status_it_is_exit) {
  check_exits(7, [] { sigsafe::end_as(exit_status::of_code(7)); });
  check_exits(4, [] {
    std::atexit([] { _exit(4); });
    sigsafe::end_as(exit_status::of_code(0));
  });
  check_exits(1, [] { sigsafe::end_as(exit_status::of_unknown()); });
  check_exits(1, [] { sigsafe::end_as({}); });
}

BOOST_AUTO_TEST_CASE(by_a_signal_it_dies_by_that) {
  for (const int signal : {SIGTERM, SIGKILL, SIGSEGV, SIGABRT, SIGRTMIN})
    check_kills(signal, [signal] { sigsafe::end_as(exit_status::of_signal(signal)); });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(nothing_holds_the_signal_off, Backend, test::hosted_backends) {
  check_kills(SIGTERM, [] {
    const sigsafe::handler handler{SIGTERM, []() noexcept { _exit(2); }};
    const sigsafe::basic_guard<Backend> held;
    sigsafe::end_as(exit_status::of_signal(SIGTERM));
  });
  check_kills(SIGTERM, [] {
    test::block({SIGTERM});
    signal(SIGTERM, SIG_IGN);
    sigsafe::end_as(exit_status::of_signal(SIGTERM));
  });
}

/// Whether a process that ends in this way, in an empty directory, leaves a core file.
template <class F>
bool dumps_core(F function) {
  char directory[] = "/tmp/sigsafe-unit-XXXXXX";
  BOOST_REQUIRE(mkdtemp(directory) != nullptr);
  const pid_t process = fork();
  if (process == 0) {
    rlimit limit{};
    getrlimit(RLIMIT_CORE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_CORE, &limit);
    CHILD_REQUIRE(chdir(directory) == 0);
    function();
    _exit(0);
  }
  const int status = test::status_of(process);
  std::filesystem::remove_all(directory);
  BOOST_TEST((WIFSIGNALED(status) && WTERMSIG(status) == SIGQUIT));
  return WCOREDUMP(status);
}

BOOST_AUTO_TEST_CASE(the_core_file_is_that_of_the_child) {
  if (dumps_core([] { raise(SIGQUIT); }))
    BOOST_TEST(!dumps_core([] { sigsafe::end_as(exit_status::of_signal(SIGQUIT, true)); }));
  else
    std::puts("SKIPPED: a core file of end_as, as this machine writes none");
}

BOOST_AUTO_TEST_CASE(where_the_signal_does_not_kill_it_is_an_exit_status) {
  check_exits(128 + SIGCHLD, [] { sigsafe::end_as(exit_status::of_signal(SIGCHLD)); });
  const auto ends = [] { sigsafe::end_as(exit_status::of_signal(SIGKILL)); };
  if (const auto end = test::in_first_process(ends, "end_as of PID 1"))
    BOOST_CHECK_MESSAGE(WIFEXITED(end->status) && WEXITSTATUS(end->status) == 128 + SIGKILL, *end);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(become_subreaper)

BOOST_AUTO_TEST_CASE(orphans_come_to_it) {
  check_in_child([] {
    sigsafe::become_subreaper();
    sigsafe::child forks_away = sigsafe::spawn({"sh", "-c", "(exit 5) & exit 6"});
    CHILD_REQUIRE(forks_away.wait().code() == 6);
    siginfo_t info;
    while (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) != 0) CHILD_REQUIRE(errno == EINTR);
    int orphans = 0;
    sigsafe::reap_all([&](pid_t, exit_status end) {
      ++orphans;
      CHILD_REQUIRE(end.code() == 5);
    });
    CHILD_REQUIRE(orphans == 1);
  });
}

BOOST_AUTO_TEST_SUITE_END()
