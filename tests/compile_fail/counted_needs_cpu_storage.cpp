// flags: -ffreestanding
// expect-gcc: constraint.* failure
// expect-clang: constraints not satisfied
// expect: cpu_storage
#include <sigsafe/backend/counted.hpp>
#include <sigsafe/guard.hpp>

using native = sigsafe::backend::native;

struct storage {
#if defined(SIGSAFE_COMPILE_FAIL)
  static unsigned& nesting() noexcept;
#else
  static sigsafe::backend::nesting<native>& nesting() noexcept;
#endif
};

int main() {
  const sigsafe::basic_guard<sigsafe::backend::counted<native, storage>> off;
  return 0;
}
