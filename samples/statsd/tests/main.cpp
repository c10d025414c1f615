// The parts of statsd that can be tested without a signal.
#define BOOST_TEST_MODULE statsd
#include <boost/test/unit_test.hpp>
