// The backend that does nothing: for state that no interrupt shares. Only ever asked for by name.
#pragma once

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/panic.hpp>

namespace sigsafe::backend {

/// Disables nothing. A basic_guard<none> is a mark in the source and no more.
/// Safety:   async-signal-safe, thread-safe
/// Cost:     none
struct none {
  struct saved_state {};

  static saved_state disable() noexcept { return {}; }
  static void restore(saved_state) noexcept {}
  static bool enabled() noexcept { return true; }

  /// There is nothing to wait for, so this panics.
  [[noreturn]] static void wait(saved_state, location where = location::current()) noexcept {
    panic("wait on backend::none would never wake; name a real backend", where);
  }
};
static_assert(interrupt_backend<none>);

}  // namespace sigsafe::backend
