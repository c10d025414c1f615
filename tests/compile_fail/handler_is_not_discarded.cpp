// expect-gcc: ignoring return value
// expect-clang: ignoring temporary
#include <signal.h>
#include <sigsafe/handler.hpp>

int main() {
  const auto kept = sigsafe::handler{SIGHUP, []() noexcept {}};
#if defined(SIGSAFE_COMPILE_FAIL)
  sigsafe::handler{SIGHUP, []() noexcept {}};
#endif
}
