// The signal that ends the sleep of another thread.
#pragma once

#include <signal.h>

#include <sigsafe/wake_signal.hpp>  // IWYU pragma: export

namespace sigsafe::detail {

/// It is a real-time signal: to ask about the others, which are most, costs a comparison.
inline bool is_wake_signal(int signal) noexcept {
  return signal > SIGSYS && signal == wake_signal();
}

/// Lets the wake signal interrupt a sleep instead of ending the process.
/// Errors:   std::system_error when other code has a handler for it
void ensure_wake_signal();

/// The same again, when the program has reset its dispositions since.
void keep_wake_signal() noexcept;

}  // namespace sigsafe::detail
