// flags: -std=c++20
// expect: there is no interrupt backend for this target
#include <concepts>
#include <utility>

#if defined(SIGSAFE_COMPILE_FAIL)
#undef __linux__
#endif
#include <sigsafe/guard.hpp>

int main() {
  const sigsafe::guard off;
  return 0;
}
