// What a scenario is built from: a backend and a lock; and broken ones, which the scenarios must notice.
#pragma once

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/guard.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/ref_cell.hpp>

#include <tests/support/broken_backends.hpp>

namespace stress {

/// A backend and a lock under test. ends_early is for a mutant.
template <sigsafe::interrupt_backend B, sigsafe::raw_lock L = sigsafe::default_raw_lock,
          bool EndsEarly = false>
struct kit {
  using backend = B;
  using guard = sigsafe::basic_guard<B>;
  using raw_mutex = sigsafe::raw_mutex<L, B>;
  template <class T>
  using mutex = sigsafe::mutex<T, L, B>;
  template <class T>
  using ref_cell = sigsafe::ref_cell<T, B>;
  template <class T>
  using ref_mut = sigsafe::ref_mut<T, B>;
  static constexpr bool ends_early = EndsEarly;
};

// ---- mutants --------------------------------------------------------------------------------------

/// Holds off nothing.
struct no_guard {
  struct state_type {};
  static state_type disable() noexcept { return {}; }
  static void restore(state_type) noexcept {}
  static void enter() noexcept {}
  static void leave() noexcept {}
  static bool enabled() noexcept { return true; }
  static void wait(state_type) noexcept {}
};

/// Excludes nobody.
struct no_lock {
  void lock() noexcept {}
  [[nodiscard]] bool try_lock() noexcept { return true; }
  void unlock() noexcept {}
};

/// Takes what is pending away instead of letting it come.
struct loses_signals : test::flat_backend {
  static void restore(state_type outside) noexcept {
    const sigset_t one{sigsafe::signal_set{SIGRTMIN}.native()};
    constexpr timespec at_once{0, 0};
    sigtimedwait(&one, nullptr, &at_once);
    flat_backend::restore(outside);
  }
};

}  // namespace stress
