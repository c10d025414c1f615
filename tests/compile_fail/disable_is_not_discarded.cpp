// expect-gcc: ignoring return
// expect-clang: ignoring return value
#include <sigsafe/guard.hpp>

int main() {
  const auto off = sigsafe::disable();
#if defined(SIGSAFE_COMPILE_FAIL)
  sigsafe::disable();
#endif
}
