// expect-gcc: ignoring return value
// expect-clang: ignoring temporary
#include <signal.h>
#include <sigsafe/subset_guard.hpp>

int main() {
  const auto kept = sigsafe::subset_guard{{SIGHUP}};
#if defined(SIGSAFE_COMPILE_FAIL)
  sigsafe::subset_guard{{SIGHUP}};
#endif
}
