// A thread that ends while it has deferred a signal, because it left a guard without releasing it:
// by pthread_exit in C code, or with a C library that does not unwind.
#pragma once

#include <sigsafe/config.hpp>

namespace sigsafe::detail {

/// Makes what note_end_of_thread uses.
/// Errors:   std::system_error when the process has no key for thread-local data left
void ensure_end_of_threads();

/// When this thread ends, what it has still deferred then goes back to the process.
void watch_end_of_thread() noexcept;

}  // namespace sigsafe::detail
