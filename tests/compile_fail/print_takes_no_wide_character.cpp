// There is nothing to convert it with.
// expect: a wide character cannot be formatted. Cast it to char or to a number
#include <sigsafe/format.hpp>

int main() {
#if defined(SIGSAFE_COMPILE_FAIL)
  sigsafe::print(1, "{}\n", L'x');
#else
  sigsafe::print(1, "{}\n", 'x');
#endif
}
