// Locks whose wrong use by handlers is found without a deadlock, in checked builds.
#pragma once

#include <sigsafe/config.hpp>

#include <type_traits>
#include <utility>

#include <sigsafe/detail/annotations.hpp>
#include <sigsafe/detail/checked.hpp>
#include <sigsafe/detail/watched.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/raw_lock.hpp>

namespace sigsafe {
namespace detail {

/// Not a raw_mutex, whose hold begins behind what this sees.
template <class L>
concept watchable = raw_lock<L> && !requires { typename L::backend_type; };

/// A lock that says how it is used. What it does not name here is that of L.
template <watchable L>
class SIGSAFE_CAPABILITY watched_lock : public L {
 public:
  constexpr watched_lock() noexcept(std::is_nothrow_default_constructible_v<L>) = default;
  watched_lock(const watched_lock&) = delete;
  watched_lock& operator=(const watched_lock&) = delete;
  ~watched_lock() { watch_end(watch_); }

  /// For raw_mutex, which tries and waits by turns.
  void about_to_wait(location where, bool shared = false) noexcept {
    watch_wait(watch_, where, shared);
  }

  void lock(location where = location::current()) noexcept(noexcept(std::declval<L&>().lock()))
      SIGSAFE_ACQUIRE() SIGSAFE_NO_ANALYSIS {
    about_to_wait(where);
    lock_at(base(), where);
    watch_taken(watch_, where, false);
  }
  [[nodiscard]] bool try_lock(location where = location::current()) noexcept(
      noexcept(std::declval<L&>().try_lock())) SIGSAFE_TRY_ACQUIRE(true) SIGSAFE_NO_ANALYSIS {
    return taken(try_lock_at(base(), where), where, false);
  }
  void unlock() noexcept(noexcept(std::declval<L&>().unlock()))
      SIGSAFE_RELEASE() SIGSAFE_NO_ANALYSIS {
    watch_release(watch_, false);
    L::unlock();
  }

  template <class Duration>
    requires requires(L& lock, const Duration& time) { lock.try_lock_for(time); }
  [[nodiscard]] bool try_lock_for(const Duration& time, location where = location::current())
      SIGSAFE_TRY_ACQUIRE(true) SIGSAFE_NO_ANALYSIS {
    about_to_wait(where);
    return taken(try_lock_for_at(base(), where, time), where, false);
  }
  template <class Time>
    requires requires(L& lock, const Time& time) { lock.try_lock_until(time); }
  [[nodiscard]] bool try_lock_until(const Time& time, location where = location::current())
      SIGSAFE_TRY_ACQUIRE(true) SIGSAFE_NO_ANALYSIS {
    about_to_wait(where);
    return taken(try_lock_until_at(base(), where, time), where, false);
  }

  SIGSAFE_ACQUIRE_SHARED()
  SIGSAFE_NO_ANALYSIS void lock_shared(location where = location::current())
    requires requires(L& lock) { lock.lock_shared(); }
  {
    about_to_wait(where, true);
    lock_shared_at(base(), where);
    watch_taken(watch_, where, true);
  }
  [[nodiscard]] SIGSAFE_TRY_ACQUIRE_SHARED(true) SIGSAFE_NO_ANALYSIS
      bool try_lock_shared(location where = location::current())
    requires requires(L& lock) { lock.try_lock_shared(); }
  {
    return taken(try_lock_shared_at(base(), where), where, true);
  }
  template <class Duration>
    requires requires(L& lock, const Duration& time) { lock.try_lock_shared_for(time); }
  [[nodiscard]] bool try_lock_shared_for(const Duration& time, location where = location::current())
      SIGSAFE_TRY_ACQUIRE_SHARED(true) SIGSAFE_NO_ANALYSIS {
    about_to_wait(where, true);
    return taken(base().try_lock_shared_for(time), where, true);
  }
  template <class Time>
    requires requires(L& lock, const Time& time) { lock.try_lock_shared_until(time); }
  [[nodiscard]] bool try_lock_shared_until(const Time& time, location where = location::current())
      SIGSAFE_TRY_ACQUIRE_SHARED(true) SIGSAFE_NO_ANALYSIS {
    about_to_wait(where, true);
    return taken(base().try_lock_shared_until(time), where, true);
  }
  SIGSAFE_RELEASE_SHARED()
  SIGSAFE_NO_ANALYSIS void unlock_shared()
    requires requires(L& lock) { lock.unlock_shared(); }
  {
    watch_release(watch_, true);
    L::unlock_shared();
  }

 private:
  L& base() noexcept { return *this; }
  bool taken(bool yes, location where, bool shared) noexcept {
    if (yes) watch_taken(watch_, where, shared);
    return yes;
  }

  lock_watch watch_{};
};

}  // namespace detail

/// A lock that a checked build watches; otherwise it is L itself. L is what raw_mutex takes, and
/// not final:
///
///     sigsafe::watched<std::mutex> names;                                   // by itself
///     sigsafe::mutex<int, sigsafe::watched<sigsafe::futex_lock>> requests;  // inside a mutex
///
/// A checked build panics, in any run in which both uses occur, in whatever order, on any threads:
///
/// * when a handler waits for a lock that is also held with the signal of the handler enabled;
/// * when it waits for one whose holder waits, directly or by way of others, for a lock that is
///   held with that signal enabled;
/// * when locks are waited for in two orders.
///
/// It names the place where the signal should have been held off, and that in the handler; where a
/// std::scoped_lock locks, that is a line of the C++ library. Signals count one by one: those of
/// which sigsafe has a handler at that time, and that neither a hold nor the mask keeps away.
/// Nothing holds off faults, SIGABRT and handlers with .deferrable = false. A handler with .thread
/// counts on that thread. What handlers have done counts when they have gone, too. Locks count one
/// by one, from their construction to their destruction. What is enabled is looked at when a lock
/// is waited for, taken and released, and when a handler of this thread waits for one: a moment
/// between is not seen. Who only tries (try_lock) waits for nobody. Two that share a lock do not
/// wait for each other: a lock that lets those who wait to write go first must not be shared so.
/// Handlers that sigsafe does not call are not known.
/// Safety:   as L
/// Errors:   as L; a checked build panics as above, and says once, on standard error, when 24
///           watched locks are held at once or 72 orders are known: those behind are not watched
/// Cost:     none unless checked; then three to six system calls a lock, and 500 bytes
template <detail::watchable L>
using watched = std::conditional_t<detail::checked, detail::watched_lock<L>, L>;

}  // namespace sigsafe
