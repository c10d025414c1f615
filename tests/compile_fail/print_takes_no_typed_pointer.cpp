// What a pointer points to might have been meant.
// expect: a pointer is formatted as an address only when it is a void\*. Cast it to const void\*
#include <sigsafe/format.hpp>

const int value = 1;

int main() {
#if defined(SIGSAFE_COMPILE_FAIL)
  sigsafe::print(1, "{}\n", &value);
#else
  sigsafe::print(1, "{}\n", static_cast<const void*>(&value));
#endif
}
