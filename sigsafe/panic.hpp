// What happens on misuse that no exception could report, because it may be found inside a handler.
#pragma once

#include <sigsafe/config.hpp>

#include <sigsafe/location.hpp>

namespace sigsafe {

/// One violation of a precondition.
struct panic_info {
  const char* what;         ///< what was wrong and what to do, one sentence
  location where;           ///< where it was found; a null file when it is not known
  const char* other_label;  ///< what the second place is; null when there is none that is known
  location other;           ///< the second place, such as the borrow that is in the way
};

/// Reports a violated precondition and ends the process (or, freestanding, the kernel). Hosted, it
/// calls the function set by set_panic_function, which by default writes one line to standard error
/// and aborts; if that function returns, the process is aborted. Freestanding there is no
/// definition: the kernel supplies this function.
/// Safety:   async-signal-safe, thread-safe
/// Cost:     one write(2); never returns
[[noreturn]] SIGSAFE_API void panic(const panic_info& info) noexcept;

[[noreturn]] inline void panic(const char* what, location where) noexcept {
  panic(panic_info{what, where, nullptr, {nullptr, 0}});
}

using panic_function = void (*)(const panic_info&) noexcept;

/// Replaces the function that panic calls; null puts the default back. Returns the one before. The
/// function must be async-signal-safe. Hosted only.
/// Safety:   async-signal-safe, thread-safe
SIGSAFE_API panic_function set_panic_function(panic_function function) noexcept;

}  // namespace sigsafe
