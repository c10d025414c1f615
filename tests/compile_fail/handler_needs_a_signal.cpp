// expect-gcc: class template argument deduction failed
// expect-clang: no viable constructor or deduction guide
#include <signal.h>
#include <sigsafe/handler.hpp>

int main() {
  const sigsafe::handler good{SIGHUP, []() noexcept {}};
#if defined(SIGSAFE_COMPILE_FAIL)
  const sigsafe::handler bad{[]() noexcept {}};
#endif
}
