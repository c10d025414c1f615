// The format is checked when it is compiled.
// expect: argument not found
#include <sigsafe/format.hpp>

int main() {
#if defined(SIGSAFE_COMPILE_FAIL)
  sigsafe::print(1, "{} {}\n", 1);
#else
  sigsafe::print(1, "{} {}\n", 1, 2);
#endif
}
