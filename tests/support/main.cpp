#include <boost/test/unit_test.hpp>

#include <cstdlib>

// Boost.Test would install its own signal handlers, under which these tests mean nothing.
int main(int argc, char** argv) {
  ::setenv("BOOST_TEST_CATCH_SYSTEM_ERRORS", "no", 1);
  return boost::unit_test::unit_test_main([] { return true; }, argc, argv);
}
