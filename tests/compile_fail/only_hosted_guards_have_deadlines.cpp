// expect-gcc: no matching function for call to .*wait_until
// expect-clang: no matching member function for call to .wait_until.
#include <chrono>
#include <sigsafe/backend/none.hpp>
#include <sigsafe/guard.hpp>

int main() {
  const auto past = std::chrono::steady_clock::time_point::min();
  sigsafe::basic_guard<sigsafe::backend::native> off;
  off.wait_until(past);
  off.wait_until(past, [] { return true; });
#if defined(SIGSAFE_COMPILE_FAIL)
  sigsafe::basic_guard<sigsafe::backend::none> nothing;
  nothing.wait_until(past);
#endif
}
