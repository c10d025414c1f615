// A header that is longer than its user thinks; see check.
#include <sigsafe/sigsafe.hpp>

#include <atomic>
