// The signal that ends the sleep of another thread.
#pragma once

#include <sigsafe/wake_signal.hpp>  // IWYU pragma: export

namespace sigsafe::detail {

/// Lets the wake signal interrupt a sleep instead of ending the process.
/// Errors:   std::system_error when other code has a handler for it
void ensure_wake_signal();

/// The same again, when the program has reset its dispositions since.
void keep_wake_signal() noexcept;

}  // namespace sigsafe::detail
