// expect: no matching (member )?function for call to .*wait
#include <sigsafe/guard.hpp>

int main() {
  sigsafe::basic_guard<sigsafe::backend::native> off;
  off.wait([] { return true; });
#if defined(SIGSAFE_COMPILE_FAIL)
  off.wait([] {});
#endif
}
