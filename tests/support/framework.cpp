// Boost.Test itself, where its library is not installed for the target.
#include <boost/test/included/unit_test.hpp>
