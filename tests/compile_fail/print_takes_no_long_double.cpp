// The C library formats a long double, and allocates for it.
// expect: a long double cannot be formatted in a handler: the C library allocates for it
#include <sigsafe/format.hpp>

const long double value = 1;

int main() {
#if defined(SIGSAFE_COMPILE_FAIL)
  sigsafe::print(1, "{}\n", value);
#else
  sigsafe::print(1, "{}\n", static_cast<double>(value));
#endif
}
