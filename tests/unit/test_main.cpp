// What all other tests rely on: the test executable itself leaves the signals alone.
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(test_main)

BOOST_AUTO_TEST_CASE(installs_no_handlers) {
  // One that Boost.Test would take and that no sanitizer takes.
  struct sigaction current;
  BOOST_REQUIRE(sigaction(SIGABRT, nullptr, &current) == 0);
  BOOST_TEST((current.sa_handler == SIG_DFL));
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
