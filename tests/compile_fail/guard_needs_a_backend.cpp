// expect-gcc: constraints not satisfied|constraint failure
// expect-clang: constraints not satisfied
// expect: interrupt_backend
#include <sigsafe/guard.hpp>

int main() {
  const sigsafe::basic_guard<sigsafe::backend::native> off;
#if defined(SIGSAFE_COMPILE_FAIL)
  const sigsafe::basic_guard<int> none;
#endif
}
