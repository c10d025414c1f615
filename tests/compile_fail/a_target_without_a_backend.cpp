// flags: -ffreestanding
// expect: there is no interrupt backend for this target
#include <concepts>
#include <utility>

#if defined(SIGSAFE_COMPILE_FAIL)
#undef __i386__
#undef __x86_64__
#undef __aarch64__
#undef __riscv
#endif
#include <sigsafe/guard.hpp>

int main() {
  const sigsafe::guard off;
  return 0;
}
