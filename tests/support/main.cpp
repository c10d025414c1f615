#include <boost/test/unit_test.hpp>

#include <cstdlib>

#include <tests/support/dies_with_parent.hpp>
#include <tests/support/signal_queue.hpp>

// Boost.Test would install its own signal handlers, under which these tests mean nothing.
int main(int argc, char** argv) {
  test::let_children_die_with_us();
  test::note_a_full_signal_queue();
  ::setenv("BOOST_TEST_CATCH_SYSTEM_ERRORS", "no", 1);
  return boost::unit_test::unit_test_main([] { return true; }, argc, argv);
}
