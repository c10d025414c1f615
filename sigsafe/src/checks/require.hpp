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

/// What one of this library's functions stands before.
struct next_function {
  const char* name;         // for the dynamic linker
  bool may_be_absent;       // then its caller can do without
  void* address = nullptr;  // null: not known yet, or absent
};

/// The function that comes next: that of the C library, or of another library that replaces it
/// too. All are looked up when this library is initialised: later, the dynamic linker might wait
/// for a thread that waits for this one, and would forget what dlerror() is to say. Before that,
/// null while another one is looked up: the dynamic linker may allocate for that, and can do
/// without.
void* find_next(next_function& next) noexcept;

}  // namespace sigsafe::checks
