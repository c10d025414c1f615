// "L" asks the locale, which allocates and locks.
// expect: error_L_looks_at_the_locale
#include <sigsafe/format.hpp>

int main() {
#if defined(SIGSAFE_COMPILE_FAIL)
  sigsafe::print(1, "{:x} {:L}\n", 1, 2);
#else
  sigsafe::print(1, "{:x} {:L<3}\n", 1, 2);
#endif
}
