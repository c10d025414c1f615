// Tier 2: the functions for the environment.
#include <stdlib.h>

#include <sigsafe/shield/library/next_function.hpp>
#include <sigsafe/shield/library/tiered_region.hpp>

namespace shield {
namespace {

const next_function<char*(const char*)> next_getenv{"getenv"};
const next_function<char*(const char*)> next_secure_getenv{"secure_getenv"};
const next_function<int(const char*, const char*, int)> next_setenv{"setenv"};
const next_function<int(const char*)> next_unsetenv{"unsetenv"};
const next_function<int(char*)> next_putenv{"putenv"};
const next_function<int()> next_clearenv{"clearenv"};

struct in_environment : tiered_region {
  in_environment() noexcept : tiered_region(2, sigsafe_shield_environment) {}
};

}  // namespace
}  // namespace shield

using namespace shield;

#pragma GCC visibility push(default)
extern "C" {

char* getenv(const char* name) noexcept {
  const in_environment inside;
  return next_getenv(name);
}

char* secure_getenv(const char* name) noexcept {
  const in_environment inside;
  return next_secure_getenv(name);
}

int setenv(const char* name, const char* value, int replace) noexcept {
  const in_environment inside;
  return next_setenv(name, value, replace);
}

int unsetenv(const char* name) noexcept {
  const in_environment inside;
  return next_unsetenv(name);
}

int putenv(char* entry) noexcept {
  const in_environment inside;
  return next_putenv(entry);
}

int clearenv() noexcept {
  const in_environment inside;
  return next_clearenv();
}

}  // extern "C"
#pragma GCC visibility pop
