// expect-gcc: use of deleted function .*basic_guard\(const
// expect-clang: call to deleted constructor
#include <sigsafe/guard.hpp>

int main() {
  const sigsafe::guard off;
#if defined(SIGSAFE_COMPILE_FAIL)
  const sigsafe::guard copy = off;
#endif
}
