// expect-gcc: no matching function for call to .*wait_for
// expect-clang: no matching member function for call to .wait_for.
#include <chrono>
#include <sigsafe/backend/none.hpp>
#include <sigsafe/guard.hpp>

int main() {
  sigsafe::basic_guard<sigsafe::backend::native> off;
  off.wait_for(std::chrono::seconds{0});
#if defined(SIGSAFE_COMPILE_FAIL)
  sigsafe::basic_guard<sigsafe::backend::none> nothing;
  nothing.wait_for(std::chrono::seconds{0});
#endif
}
