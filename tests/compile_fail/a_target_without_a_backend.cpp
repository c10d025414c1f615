// flags: -ffreestanding
// expect: there is no interrupt backend for this target
#if !defined(SIGSAFE_COMPILE_FAIL)
#define SIGSAFE_BACKEND_HEADER <tests/package/consumer/own_backend.hpp>
#endif
#include <sigsafe/guard.hpp>

int main() {
  const sigsafe::guard off;
  return 0;
}
