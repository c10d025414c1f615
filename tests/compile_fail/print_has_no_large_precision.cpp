// There would be no room for the digits.
// expect: error_a_precision_is_at_most_60
#include <sigsafe/format.hpp>

int main() {
#if defined(SIGSAFE_COMPILE_FAIL)
  sigsafe::print(1, "{:.61f}\n", 1.5);
#else
  sigsafe::print(1, "{:.60f}\n", 1.5);
#endif
}
