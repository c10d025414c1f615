// How the daemon shares its state with its handlers: the one place in which its three builds
// differ.
//
// STATSD_PROTECTION names a member of statsd::protections: unprotected, eager or lazy.
#pragma once

#include <string_view>

#include <sigsafe/backend/none.hpp>
#include <sigsafe/guard.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/mutex.hpp>

#if !defined(STATSD_PROTECTION)
#error "compile with -DSTATSD_PROTECTION=lazy, eager or unprotected"
#endif

namespace statsd::protections {

/// Every lock changes the kernel's signal mask and changes it back.
struct eager {
  static constexpr std::string_view name = "eager";
  using guard = sigsafe::guard;
  template <class T>
  using mutex = sigsafe::mutex<T>;
};

/// A lock is a counter of the thread; the mask is changed only when a signal comes while it is
/// held.
struct lazy {
  static constexpr std::string_view name = "lazy";
  using guard = sigsafe::lazy::guard;
  template <class T>
  using mutex = sigsafe::lazy::mutex<T>;
};

/// A lock is nothing at all, and a handler finds whatever the program was doing at that moment.
/// This is the bug that the other two prevent. Only the updates are left open: the sleep and the
/// last report keep their guard, because a stop signal that gets lost there would hang the
/// comparison.
struct unprotected {
  struct no_lock {
    void lock() noexcept {}
    bool try_lock() noexcept { return true; }
    void unlock() noexcept {}
  };

  static constexpr std::string_view name = "unprotected";
  using guard = sigsafe::guard;
  template <class T>
  using mutex = sigsafe::mutex<T, no_lock, sigsafe::backend::none>;
};

}  // namespace statsd::protections

namespace statsd {

using protection = protections::STATSD_PROTECTION;

}  // namespace statsd
