// expect-gcc: use of deleted function .*subset_guard\(const
// expect-clang: call to deleted constructor
#include <signal.h>
#include <sigsafe/subset_guard.hpp>

int main() {
  const sigsafe::subset_guard off{{SIGHUP}};
#if defined(SIGSAFE_COMPILE_FAIL)
  const sigsafe::subset_guard copy = off;
#endif
}
