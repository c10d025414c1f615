// A place in the caller's source. std::source_location would do, but clang 14 does not have it.
#pragma once

#include <sigsafe/config.hpp>

namespace sigsafe {

/// A file and a line: those of the call, when `current()` is a default argument there.
/// Safety:   async-signal-safe, thread-safe
/// Cost:     two constants, none when unused
struct location {
  const char* file;
  unsigned line;

  static constexpr location current(const char* file = __builtin_FILE(),
                                    unsigned line = __builtin_LINE()) noexcept {
    return {file, line};
  }
};

}  // namespace sigsafe
