// expect-gcc: use of deleted function .*handler\(const
// expect-clang: call to deleted constructor
#include <signal.h>
#include <sigsafe/handler.hpp>

int main() {
  const sigsafe::handler one{SIGHUP, []() noexcept {}};
#if defined(SIGSAFE_COMPILE_FAIL)
  const auto two = one;
#endif
}
