// What the launcher asked for.
#pragma once

#include <sigsafe/shield/library/kernel.hpp>

namespace shield {

struct settings {
  int tier = 3;
  kernel::signal_bits exempt = kernel::bit_of(SIGPROF);
  /// A filter of system calls may kill whoever queues a signal: handlers are called instead.
  bool only_calls = false;
};

/// Read from the environment by the first who asks.
const settings& current_settings() noexcept;

/// From now on.
void only_call_handlers() noexcept;

/// A line on the standard error output: "sigsafe-shield: " and these.
void say(const char* first, const char* second = "", const char* third = "") noexcept;

}  // namespace shield
