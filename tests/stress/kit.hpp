// What a scenario is built from: a backend and a lock; and broken ones, which the scenarios must notice.
#pragma once

#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <span>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/backend/lazy.hpp>
#include <sigsafe/backend/none.hpp>
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
struct no_guard : sigsafe::backend::none {
  static void enter() noexcept {}
  static void leave() noexcept {}
};

/// Excludes nobody.
struct no_lock {
  void lock() noexcept {}
  [[nodiscard]] bool try_lock() noexcept { return true; }
  void unlock() noexcept {}
};

/// Takes one that is pending away instead of letting it come.
template <class B>
struct loses_signals : B {
  static void restore(typename B::state_type outside) noexcept {
    take_one_away();
    B::restore(outside);
  }
  static void leave() noexcept {
    take_one_away();
    B::leave();
  }

 private:
  static void take_one_away() noexcept {
    const sigset_t any{sigsafe::signal_set::maskable().native()};
    constexpr timespec at_once{0, 0};
    sigtimedwait(&any, nullptr, &at_once);
  }
};

/// Never lets come what it has held off.
template <class B>
struct never_opens : B {
  static void restore(typename B::state_type) noexcept {}
  static void leave() noexcept {}
};

/// Enables first and sleeps then.
template <class B>
struct late_sleep : B {
  static void wait(typename B::state_type outside) noexcept {
    B::restore(outside);
    pause();
    static_cast<void>(B::disable());
  }
};
template <class B>
struct late_poll : B {
  static void poll(typename B::state_type outside, std::span<pollfd> descriptors,
                   sigsafe::location = sigsafe::location::current()) noexcept {
    B::restore(outside);
    ::poll(descriptors.data(), descriptors.size(), -1);
    static_cast<void>(B::disable());
  }
  template <class Duration>
  static void poll(typename B::state_type outside, std::span<pollfd> descriptors, Duration,
                   sigsafe::location = sigsafe::location::current()) noexcept {
    poll(outside, descriptors);
  }
};

/// Puts back what was when an owner began, so only ends in reverse order are right.
struct flat_lazy {
  using state_type = sigsafe::backend::lazy::state_type;
  static state_type disable() noexcept { return sigsafe::backend::lazy::disable(); }
  static void restore(state_type outside) noexcept { sigsafe::backend::lazy::restore(outside); }
  static bool enabled() noexcept { return sigsafe::backend::lazy::enabled(); }
  static void wait(state_type outside) noexcept { sigsafe::backend::lazy::wait(outside); }
};

}  // namespace stress
