// The supervisor: its parts, and the whole program with real children.
#define BOOST_TEST_MODULE supervisor
#include <sys/resource.h>

#include <boost/test/unit_test.hpp>

namespace {

// Programs crash on purpose here.
struct no_core_files {
  no_core_files() {
    constexpr rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
  }
};

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(no_core_files);
