// expect: the function must be callable with
#include <signal.h>
#include <sigsafe/handler.hpp>

int main() {
  const sigsafe::handler good{SIGHUP, [](const sigsafe::signal_info&) noexcept {}};
#if defined(SIGSAFE_COMPILE_FAIL)
  const sigsafe::handler bad{SIGHUP, [](const char*) noexcept {}};
#endif
}
