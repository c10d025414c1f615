// Functions that take the place of the C library's: they check, and call what they stand before.
//
// They have other names in C++ than for the linker. So nothing is said twice about what the C
// library declares, with attributes that differ from system to system, and compilers do not take
// them for the functions that they know.
#pragma once

#include <sigsafe/config.hpp>

#include <cstdarg>

#include <sigsafe/src/checks/require.hpp>

namespace sigsafe::checks {

/// Checks, and calls what comes next, or `without` if nothing does. The arguments have the types of
/// the parameters.
template <class Result, class Without, class... Arguments>
Result check_and_call_or(Without without, const char* name, next_function& next,
                         Arguments... arguments) {
  require_no_handler(name);
  void* const found = find_next(next);
  if (found == nullptr) return without(arguments...);
  return reinterpret_cast<Result (*)(Arguments...)>(found)(arguments...);
}

/// The same. While another one is looked up it returns nothing, as malloc does without memory.
template <class Result, class... Arguments>
Result check_and_call(const char* name, next_function& next, Arguments... arguments) {
  return check_and_call_or<Result>([](auto...) { return Result(); }, name, next, arguments...);
}

}  // namespace sigsafe::checks

/// An entry of the table of what is looked up. Without alignas, compilers leave gaps between them.
#define SIGSAFE_CHECKS_NEXT(name, may_be_absent)                                             \
  alignas(sigsafe::checks::next_function) __attribute__((                                    \
      section("sigsafe_next"), used)) static constinit sigsafe::checks::next_function next { \
    name, may_be_absent                                                                      \
  }

#define SIGSAFE_CHECKS_DEFINE(result, name, parameters)                                            \
  extern "C" SIGSAFE_API __attribute__((used)) result sigsafe_checks_##name parameters asm(#name); \
  extern "C" result sigsafe_checks_##name parameters

/// A function: what it returns, its name, its parameters in parentheses, and their names.
#define SIGSAFE_CHECKS(result, name, parameters, ...)                         \
  SIGSAFE_CHECKS_DEFINE(result, name, parameters) {                           \
    SIGSAFE_CHECKS_NEXT(#name, false);                                        \
    return sigsafe::checks::check_and_call<result>(#name, next, __VA_ARGS__); \
  }

/// One that formats, with a ... behind the format. The one that takes a va_list comes next.
#define SIGSAFE_CHECKS_FORMAT(name, v_name, parameters, ...)                                 \
  SIGSAFE_CHECKS_DEFINE(int, name, parameters) {                                             \
    SIGSAFE_CHECKS_NEXT(#v_name, false);                                                     \
    va_list more;                                                                            \
    va_start(more, format);                                                                  \
    const int result = sigsafe::checks::check_and_call<int>(#name, next, __VA_ARGS__, more); \
    va_end(more);                                                                            \
    return result;                                                                           \
  }
