// What all other tests rely on: the test executable itself leaves the signals alone.
#include <signal.h>

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(test_main)

BOOST_AUTO_TEST_CASE(installs_no_handlers) {
  // One that Boost.Test would take and that no sanitizer takes.
  struct sigaction current;
  BOOST_REQUIRE(sigaction(SIGABRT, nullptr, &current) == 0);
  BOOST_TEST((current.sa_handler == SIG_DFL));
}

BOOST_AUTO_TEST_SUITE_END()
