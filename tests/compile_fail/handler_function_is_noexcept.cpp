// expect: the function must be noexcept
#include <signal.h>
#include <sigsafe/handler.hpp>

int main() {
  const sigsafe::handler good{SIGHUP, []() noexcept {}};
#if defined(SIGSAFE_COMPILE_FAIL)
  const sigsafe::handler bad{SIGHUP, [] {}};
#endif
}
