// Tier 2: the functions that read or set the time zone, below one lock that is not recursive.
#include <locale.h>
#include <time.h>
#include <wchar.h>

#include <sigsafe/shield/library/next_function.hpp>
#include <sigsafe/shield/library/tiered_region.hpp>

namespace shield {
namespace {

const next_function<struct tm*(const time_t*)> next_localtime{"localtime"};
const next_function<struct tm*(const time_t*, struct tm*)> next_localtime_r{"localtime_r"};
const next_function<struct tm*(const time_t*)> next_gmtime{"gmtime"};
const next_function<struct tm*(const time_t*, struct tm*)> next_gmtime_r{"gmtime_r"};
const next_function<char*(const time_t*)> next_ctime{"ctime"};
const next_function<char*(const time_t*, char*)> next_ctime_r{"ctime_r"};
const next_function<time_t(struct tm*)> next_mktime{"mktime"};
const next_function<time_t(struct tm*)> next_timelocal{"timelocal"};
const next_function<time_t(struct tm*)> next_timegm{"timegm"};
const next_function<void()> next_tzset{"tzset"};
const next_function<size_t(char*, size_t, const char*, const struct tm*)> next_strftime{"strftime"};
const next_function<size_t(char*, size_t, const char*, const struct tm*, locale_t)> next_strftime_l{
    "strftime_l"};
const next_function<size_t(wchar_t*, size_t, const wchar_t*, const struct tm*)> next_wcsftime{
    "wcsftime"};
const next_function<size_t(wchar_t*, size_t, const wchar_t*, const struct tm*, locale_t)>
    next_wcsftime_l{"wcsftime_l"};
const next_function<char*(const char*, const char*, struct tm*)> next_strptime{"strptime"};
const next_function<char*(const char*, const char*, struct tm*, locale_t)> next_strptime_l{
    "strptime_l"};
const next_function<struct tm*(const char*)> next_getdate{"getdate"};
const next_function<int(const char*, struct tm*)> next_getdate_r{"getdate_r"};

struct in_time_zone : tiered_region {
  in_time_zone() noexcept : tiered_region(2, sigsafe_shield_time) {}
};

}  // namespace
}  // namespace shield

using namespace shield;

#pragma GCC visibility push(default)
extern "C" {

struct tm* localtime(const time_t* time) noexcept {
  const in_time_zone inside;
  return next_localtime(time);
}

struct tm* localtime_r(const time_t* time, struct tm* result) noexcept {
  const in_time_zone inside;
  return next_localtime_r(time, result);
}

struct tm* gmtime(const time_t* time) noexcept {
  const in_time_zone inside;
  return next_gmtime(time);
}

struct tm* gmtime_r(const time_t* time, struct tm* result) noexcept {
  const in_time_zone inside;
  return next_gmtime_r(time, result);
}

char* ctime(const time_t* time) noexcept {
  const in_time_zone inside;
  return next_ctime(time);
}

char* ctime_r(const time_t* time, char* text) noexcept {
  const in_time_zone inside;
  return next_ctime_r(time, text);
}

time_t mktime(struct tm* local) noexcept {
  const in_time_zone inside;
  return next_mktime(local);
}

time_t timelocal(struct tm* local) noexcept {
  const in_time_zone inside;
  return next_timelocal(local);
}

time_t timegm(struct tm* utc) noexcept {
  const in_time_zone inside;
  return next_timegm(utc);
}

void tzset() noexcept {
  const in_time_zone inside;
  next_tzset();
}

size_t strftime(char* text, size_t size, const char* format, const struct tm* time) noexcept {
  const in_time_zone inside;
  return next_strftime(text, size, format, time);
}

size_t strftime_l(char* text, size_t size, const char* format, const struct tm* time,
                  locale_t locale) noexcept {
  const in_time_zone inside;
  return next_strftime_l(text, size, format, time, locale);
}

size_t wcsftime(wchar_t* text, size_t size, const wchar_t* format, const struct tm* time) noexcept {
  const in_time_zone inside;
  return next_wcsftime(text, size, format, time);
}

size_t wcsftime_l(wchar_t* text, size_t size, const wchar_t* format, const struct tm* time,
                  locale_t locale) noexcept {
  const in_time_zone inside;
  return next_wcsftime_l(text, size, format, time, locale);
}

char* strptime(const char* text, const char* format, struct tm* time) noexcept {
  const in_time_zone inside;
  return next_strptime(text, format, time);
}

char* strptime_l(const char* text, const char* format, struct tm* time, locale_t locale) noexcept {
  const in_time_zone inside;
  return next_strptime_l(text, format, time, locale);
}

struct tm* getdate(const char* text) {
  const in_time_zone inside;
  return next_getdate(text);
}

int getdate_r(const char* text, struct tm* result) {
  const in_time_zone inside;
  return next_getdate_r(text, result);
}

}  // extern "C"
#pragma GCC visibility pop
