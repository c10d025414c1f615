// What all other tests rely on: the test executable itself leaves the signals alone.
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include <tests/support/child.hpp>
#include <tests/support/signal_queue.hpp>

BOOST_AUTO_TEST_SUITE(test_main)

BOOST_AUTO_TEST_CASE(installs_no_handlers) {
  // One that Boost.Test would take and that no sanitizer takes.
  struct sigaction current;
  BOOST_REQUIRE(sigaction(SIGABRT, nullptr, &current) == 0);
  BOOST_TEST((current.sa_handler == SIG_DFL));
}

BOOST_AUTO_TEST_CASE(says_that_the_signal_queue_is_full) {
  const test::child_end silent = test::in_child(test::note_a_full_signal_queue);
  BOOST_TEST(silent.errors == "");
  const test::child_end full = test::in_child([] {
    rlimit limit{};
    getrlimit(RLIMIT_SIGPENDING, &limit);
    limit.rlim_cur = 0;
    CHILD_REQUIRE(setrlimit(RLIMIT_SIGPENDING, &limit) == 0);
    test::note_a_full_signal_queue();
  });
  BOOST_TEST(full.errors.starts_with("There is room for 0 signals in the queue of user "));
}

BOOST_AUTO_TEST_CASE(a_test_that_is_killed_leaves_no_process) {
  int alive[2];  // the writing end is open as long as one of the children lives
  BOOST_REQUIRE(pipe(alive) == 0);
  const pid_t child = fork();
  if (child == 0) {
    close(alive[0]);
    const pid_t grandchild = fork();
    if (grandchild != 0) {
      static_cast<void>(write(alive[1], &grandchild, sizeof(grandchild)));
      close(alive[1]);
    }
    for (;;) pause();
  }
  close(alive[1]);
  pid_t grandchild = 0;
  BOOST_REQUIRE(read(alive[0], &grandchild, sizeof(grandchild)) == sizeof(grandchild));
  BOOST_REQUIRE(kill(child, SIGKILL) == 0);
  pollfd gone{alive[0], POLLIN, 0};
  const bool left_nothing = poll(&gone, 1, 10'000) == 1;
  if (!left_nothing) kill(grandchild, SIGKILL);
  waitpid(child, nullptr, 0);
  close(alive[0]);
  BOOST_TEST(left_nothing);
}

BOOST_AUTO_TEST_SUITE_END()
