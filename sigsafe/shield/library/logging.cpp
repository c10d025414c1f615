// Tier 3: syslog. Its lock is not recursive, so it defers also when it sleeps, for a second.
#include <pthread.h>
#include <stdarg.h>
#include <syslog.h>

#include <sigsafe/shield/library/next_function.hpp>
#include <sigsafe/shield/library/settings.hpp>
#include <sigsafe/shield/library/tiered_region.hpp>

extern "C" {
void __syslog_chk(int priority, int flag, const char* format, ...);
void __vsyslog_chk(int priority, int flag, const char* format, va_list arguments);
}

namespace shield {
namespace {

const next_function<void(int, const char*, va_list)> next_vsyslog{"vsyslog"};
const next_function<void(int, int, const char*, va_list)> next_vsyslog_chk{"__vsyslog_chk"};
const next_function<void(const char*, int, int)> next_openlog{"openlog"};
const next_function<void()> next_closelog{"closelog"};

/// A thread that is cancelled in it would leave the region behind; POSIX lets syslog be no point of
/// cancellation.
class in_syslog {
 public:
  in_syslog() noexcept {
    if (is_shielded_) pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_);
  }
  in_syslog(const in_syslog&) = delete;
  in_syslog& operator=(const in_syslog&) = delete;
  ~in_syslog() {
    int disabled;
    if (is_shielded_) pthread_setcancelstate(before_, &disabled);
  }

 private:
  const bool is_shielded_ = current_settings().tier >= 3;
  int before_ = PTHREAD_CANCEL_ENABLE;
  tiered_region region_{3, sigsafe_shield_syslog};
};

}  // namespace
}  // namespace shield

using namespace shield;

#pragma GCC visibility push(default)
extern "C" {

void vsyslog(int priority, const char* format, va_list arguments) {
  const in_syslog inside;
  next_vsyslog(priority, format, arguments);
}

void syslog(int priority, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsyslog(priority, format, arguments);
  va_end(arguments);
}

void __vsyslog_chk(int priority, int flag, const char* format, va_list arguments) {
  const in_syslog inside;
  next_vsyslog_chk(priority, flag, format, arguments);
}

void __syslog_chk(int priority, int flag, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  __vsyslog_chk(priority, flag, format, arguments);
  va_end(arguments);
}

void openlog(const char* name, int options, int facility) {
  const in_syslog inside;
  next_openlog(name, options, facility);
}

void closelog() {
  const in_syslog inside;
  next_closelog();
}

}  // extern "C"
#pragma GCC visibility pop
