// A program that takes rights away from itself: a filter of system calls may kill whoever queues a
// signal. From then on handlers are called instead.
#include <stdarg.h>
#include <sys/prctl.h>

#include <sigsafe/shield/library/next_function.hpp>
#include <sigsafe/shield/library/settings.hpp>

namespace shield {
namespace {

const next_function<decltype(::prctl)> next_prctl{"prctl"};

}  // namespace
}  // namespace shield

extern "C" [[gnu::visibility("default")]] int prctl(int option, ...) noexcept {
  // A filter that is installed without this function comes behind the second of these.
  if (option == PR_SET_SECCOMP || option == PR_SET_NO_NEW_PRIVS) shield::only_call_handlers();
  va_list arguments;
  va_start(arguments, option);
  const unsigned long a = va_arg(arguments, unsigned long), b = va_arg(arguments, unsigned long),
                      c = va_arg(arguments, unsigned long), d = va_arg(arguments, unsigned long);
  va_end(arguments);
  return shield::next_prctl.get()(option, a, b, c, d);
}
