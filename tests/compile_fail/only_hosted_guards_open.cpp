// expect-gcc: no matching function for call to .*open
// expect-clang: no matching member function for call to .open.
#include <sigsafe/backend/none.hpp>
#include <sigsafe/guard.hpp>

int main() {
  sigsafe::basic_guard<sigsafe::backend::native> off;
  off.open([] {});
#if defined(SIGSAFE_COMPILE_FAIL)
  sigsafe::basic_guard<sigsafe::backend::none> nothing;
  nothing.open([] {});
#endif
}
