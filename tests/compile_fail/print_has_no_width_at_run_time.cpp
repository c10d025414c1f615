// fmt throws when the argument is negative or too large.
// expect: error_a_width_or_precision_must_be_written_in_the_format
#include <sigsafe/format.hpp>

int main() {
#if defined(SIGSAFE_COMPILE_FAIL)
  sigsafe::print(1, "{:{}}\n", 1, 5);
#else
  sigsafe::print(1, "{:5}\n", 1);
#endif
}
