// How long the supervisor waits before it starts a program again.
#include <chrono>

#include <boost/test/unit_test.hpp>

#include <samples/supervisor/back_off.hpp>

using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(supervisor_back_off)

BOOST_AUTO_TEST_CASE(it_doubles_up_to_the_limit) {
  supervisor::back_off delay{100ms, 350ms};
  BOOST_TEST((delay.next(0s) == 100ms));
  BOOST_TEST((delay.next(0s) == 200ms));
  BOOST_TEST((delay.next(0s) == 350ms));
  BOOST_TEST((delay.next(350ms) == 350ms));
}

BOOST_AUTO_TEST_CASE(it_begins_anew_when_the_program_has_run_for_longer_than_the_limit) {
  supervisor::back_off delay{100ms, 1s};
  BOOST_TEST((delay.next(0s) == 100ms));
  BOOST_TEST((delay.next(1s) == 200ms));
  BOOST_TEST((delay.next(1001ms) == 100ms));
}

BOOST_AUTO_TEST_CASE(a_limit_below_the_first_delay_is_what_counts) {
  supervisor::back_off delay{100ms, 1ms};
  BOOST_TEST((delay.next(0s) == 1ms));
  BOOST_TEST((delay.next(0s) == 1ms));
}

BOOST_AUTO_TEST_SUITE_END()
