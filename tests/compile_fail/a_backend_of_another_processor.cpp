// flags: -ffreestanding
// expect: is for .*; include sigsafe/backend/native.hpp
#include <sigsafe/guard.hpp>

#if defined(SIGSAFE_COMPILE_FAIL)
#include <sigsafe/backend/aarch64.hpp>
#include <sigsafe/backend/riscv.hpp>
#endif

int main() {
  const sigsafe::guard off;
  return 0;
}
