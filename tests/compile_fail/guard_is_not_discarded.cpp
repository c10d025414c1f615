// expect-gcc: ignoring return value
// expect-clang: ignoring temporary
#include <sigsafe/guard.hpp>

int main() {
  const sigsafe::guard off;
#if defined(SIGSAFE_COMPILE_FAIL)
  sigsafe::guard{};
#endif
}
