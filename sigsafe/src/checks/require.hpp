// sigsafe::checks: a library that ends a program when one of its handlers calls what a handler must
// not call. It stands between the program and the C library.
#pragma once

#include <sigsafe/config.hpp>

namespace sigsafe::checks {

/// Panics, with the name of the call and the place of the handler, when a handler runs on this
/// thread.
/// Safety:   async-signal-safe, thread-safe
/// Cost:     a load of a thread-local
void require_no_handler(const char* call) noexcept;

/// The function of this name that comes next: that of the C library, or of another library that
/// replaces it too. Null while another one is looked up: the dynamic linker may allocate for that,
/// and can do without.
void* find_next(const char* name, void*& known) noexcept;

}  // namespace sigsafe::checks
