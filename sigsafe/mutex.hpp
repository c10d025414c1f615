// Mutual exclusion between threads and between a thread and its handlers.
#pragma once

#include <sigsafe/config.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/backend/native.hpp>
#include <sigsafe/detail/annotations.hpp>
#include <sigsafe/detail/checked.hpp>
#include <sigsafe/detail/deadline.hpp>
#include <sigsafe/detail/hold.hpp>
#include <sigsafe/detail/invoke.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/raw_lock.hpp>

namespace sigsafe {

namespace detail {

template <class L>
inline constexpr bool tries_nothrow = noexcept(std::declval<L&>().try_lock());
template <class L>
inline constexpr bool locks_nothrow = noexcept(std::declval<L&>().lock());
template <waitable_lock L>
inline constexpr bool locks_nothrow<L> = tries_nothrow<L> && noexcept(std::declval<L&>().wait());

/// raw_mutex waits for this time in steps, or leaves it to the lock.
template <class L, class Duration>
concept waits_for = timed_waitable_lock<L> && duration_like<Duration>;
template <class L, class Duration>
concept locks_for =
    waits_for<L, Duration> || requires(L& lock, Duration time) { lock.try_lock_for(time); };
template <class L, class Time>
concept waits_until = timed_waitable_lock<L> && time_point_like<Time>;
template <class L, class Time>
concept locks_until =
    waits_until<L, Time> || requires(L& lock, Time time) { lock.try_lock_until(time); };

/// In a checked build: not in a handler that may have interrupted the holder.
template <class B>
void require_may_lock([[maybe_unused]] location where) noexcept {
  if constexpr (checked && requires { B::require_may_lock(where); }) B::require_may_lock(where);
}

/// Tells a watched lock that somebody who tries it will wait for it.
template <class B, class L>
void about_to_wait([[maybe_unused]] L& lock, [[maybe_unused]] location where,
                   [[maybe_unused]] bool shared = false) noexcept {
  if constexpr (checked && requires { lock.about_to_wait(where, shared); }) {
    const provisional_hold<B> hold{where};
    lock.about_to_wait(where, shared);
  }
}

/// What a checked build knows about the holder of a raw_mutex; empty in others.
template <class B, bool Checked = checked && identifying_backend<B>>
class holder {
 public:
  constexpr void before_lock(location) const noexcept {}
  constexpr void locked(location) noexcept {}
  constexpr void before_unlock(location) noexcept {}
};

template <class B>
class holder<B, true> {
 public:
  void before_lock(location where) const noexcept {
    if (thread() == B::self())
      site_.panic("recursive lock: this thread holds this mutex already and would wait for itself",
                  where, "it was locked at");
  }
  void locked(location where) noexcept {
    site_.record(where);
    __atomic_store_n(&thread_, B::self(), __ATOMIC_RELAXED);
  }
  void before_unlock(location where) noexcept {
    if (thread() != B::self())
      site_.panic("a mutex is unlocked by a thread that does not hold it", where,
                  "it was last locked at");
    __atomic_store_n(&thread_, nullptr, __ATOMIC_RELAXED);
  }

 private:
  const void* thread() const noexcept { return __atomic_load_n(&thread_, __ATOMIC_RELAXED); }

  const void* thread_ = nullptr;
  site<true> site_;
};

}  // namespace detail

/// A lock that a thread shares with handlers: it disables interrupts, then locks; it unlocks, then
/// lets them come back. It meets Lockable, and TimedLockable and SharedLockable when L does, so
/// that std::lock_guard, std::scoped_lock, std::unique_lock, std::shared_lock and
/// std::condition_variable_any work with it.
///
/// A thread waits for a waitable lock (spinlock, futex_lock) with interrupts as they were before it
/// called lock, so its handlers run meanwhile, and the holder may wait for what one of them does.
/// It waits with interrupts disabled for a lock that has no wait (std::mutex), and for every lock
/// when it holds something else already or runs in a handler. Nobody is promised a turn.
///
/// To wait for something with it, use sigsafe::condition_variable. The standard one must not be
/// notified from a handler, and handlers only try (try_lock) a mutex that threads use with
/// std::condition_variable_any: its wait unlocks the mutex while it holds a lock of its own, and a
/// handler that then waits for the mutex may wait for a thread that waits for that lock.
/// Safety:   async-signal-safe if L is, and thread-safe: a handler may lock it
/// Errors:   those of L; a checked build panics on a recursive lock and on a wrong thread's unlock
/// Cost:     that of L and of a guard; on counting backends it is as large as L
template <raw_lock L = default_raw_lock, interrupt_backend B = backend::native>
class SIGSAFE_CAPABILITY raw_mutex {
 public:
  using backend_type = B;
  using lock_type = L;

  constexpr raw_mutex() noexcept(std::is_nothrow_default_constructible_v<L>) = default;
  raw_mutex(const raw_mutex&) = delete;
  raw_mutex& operator=(const raw_mutex&) = delete;

  /// Pre:      this thread does not hold it.   Post: locked, !B::enabled()
  void lock(location where = location::current()) noexcept(detail::locks_nothrow<L>)
      SIGSAFE_ACQUIRE() SIGSAFE_NO_ANALYSIS {
    detail::require_may_lock<B>(where);
    detail::provisional_hold<B> hold{where};
    holder_.before_lock(where);
    if constexpr (waitable_lock<L>) {
      detail::about_to_wait<B>(lock_, where);
      if (!detail::try_lock_at(lock_, where)) [[unlikely]]
        return lock_contended(hold.keep(), where);
    } else {
      detail::lock_at(lock_, where);
    }
    locked(hold, where);
  }

  /// Returns false, and leaves interrupts as they were, when somebody holds it.
  [[nodiscard]] bool try_lock(location where = location::current()) noexcept(
      detail::tries_nothrow<L>) SIGSAFE_TRY_ACQUIRE(true) SIGSAFE_NO_ANALYSIS {
    detail::provisional_hold<B> hold{where};
    return detail::try_lock_at(lock_, where) && locked(hold, where);
  }

  /// Pre:      this thread holds it
  void unlock(location where = location::current()) noexcept SIGSAFE_RELEASE() SIGSAFE_NO_ANALYSIS {
    holder_.before_unlock(where);
    // The saved state goes to a local before the next holder may overwrite it.
    const detail::hold<B> hold = hold_;
    lock_.unlock();
    hold.release(where);
  }

  /// For at most a duration; false when the time was up. One that is not positive only tries.
  template <class Duration>
    requires detail::locks_for<L, Duration>
  [[nodiscard]] bool try_lock_for(Duration time, location where = location::current())
      SIGSAFE_TRY_ACQUIRE(true) SIGSAFE_NO_ANALYSIS {
    detail::require_may_lock<B>(where);
    if constexpr (detail::waits_for<L, Duration>) {
      detail::about_to_wait<B>(lock_, where);
      return detail::attempt_for(lock_, detail::to_nanoseconds(time),
                                 [&] { return try_lock(where); });
    } else {
      detail::provisional_hold<B> hold{where};
      return detail::try_lock_for_at(lock_, where, time) && locked(hold, where);
    }
  }
  /// Until a time point; false when it has passed.
  template <class Time>
    requires detail::locks_until<L, Time>
  [[nodiscard]] bool try_lock_until(Time time, location where = location::current())
      SIGSAFE_TRY_ACQUIRE(true) SIGSAFE_NO_ANALYSIS {
    detail::require_may_lock<B>(where);
    if constexpr (detail::waits_until<L, Time>) {
      detail::about_to_wait<B>(lock_, where);
      return detail::attempt_until(lock_, time, [&] { return try_lock(where); });
    } else {
      detail::provisional_hold<B> hold{where};
      return detail::try_lock_until_at(lock_, where, time) && locked(hold, where);
    }
  }

  /// Shared locks need a counting backend: many holds cannot keep their saved states in one mutex.
  SIGSAFE_ACQUIRE_SHARED()
  SIGSAFE_NO_ANALYSIS void lock_shared(location where = location::current())
    requires counting_backend<B> && requires(L& lock) { lock.lock_shared(); }
  {
    detail::require_may_lock<B>(where);
    if constexpr (shared_waitable_lock<L>) {
      detail::about_to_wait<B>(lock_, where, true);
      while (!try_lock_shared(where)) lock_.wait_shared();
    } else {
      detail::provisional_hold<B> hold;
      detail::lock_shared_at(lock_, where);
      hold.keep();
    }
  }
  [[nodiscard]] SIGSAFE_TRY_ACQUIRE_SHARED(true) SIGSAFE_NO_ANALYSIS
      bool try_lock_shared(location where = location::current())
    requires counting_backend<B> && requires(L& lock) { lock.try_lock_shared(); }
  {
    detail::provisional_hold<B> hold;
    if (!detail::try_lock_shared_at(lock_, where)) return false;
    hold.keep();
    return true;
  }
  SIGSAFE_RELEASE_SHARED()
  SIGSAFE_NO_ANALYSIS void unlock_shared()
    requires counting_backend<B> && requires(L& lock) { lock.unlock_shared(); }
  {
    lock_.unlock_shared();
    B::leave();
  }

  /// Whether somebody holds it at this moment; for assertions, not for decisions.
  [[nodiscard]] bool is_locked() const noexcept
    requires requires(const L& lock) { lock.is_locked(); }
  {
    return lock_.is_locked();
  }

  /// The lock inside, for what only it can do. Interrupts are the caller's affair then.
  [[nodiscard]] L& underlying() noexcept { return lock_; }

 private:
  bool attempt(location where) noexcept(detail::tries_nothrow<L>) SIGSAFE_NO_ANALYSIS {
    detail::provisional_hold<B> hold{where};
    holder_.before_lock(where);
    return detail::try_lock_at(lock_, where) && locked(hold, where);
  }

  // It waits without the hold: a handler of this thread may do what the holder waits for.
  [[gnu::noinline]] void lock_contended(detail::hold<B> hold,
                                        location where) noexcept(detail::locks_nothrow<L>) {
    hold.release(where);
    do lock_.wait();
    while (!attempt(where));
  }

  bool locked(detail::provisional_hold<B>& hold, location where) noexcept {
    hold_ = hold.keep();
    holder_.locked(where);
    return true;
  }

  L lock_;
  [[no_unique_address]] detail::hold<B> hold_{};
  [[no_unique_address]] detail::holder<B> holder_;
};

template <class T, raw_lock L, interrupt_backend B>
class mutex;
class condition_variable;

/// The right to use the value of a mutex, until unlock() or its destructor. It moves within its
/// thread; guards of several mutexes may be released in any order on counting backends. An empty
/// one, moved from or from a failed try_lock, converts to false and must not be dereferenced.
/// Safety:   as the mutex
template <class T, raw_lock L, interrupt_backend B>
class [[nodiscard]] mutex_guard {
 public:
  mutex_guard(mutex_guard&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
  mutex_guard& operator=(mutex_guard&& other) noexcept {
    mutex_guard(std::move(other)).swap(*this);
    return *this;
  }
  ~mutex_guard() { unlock({nullptr, 0}); }

  T& operator*() const noexcept { return mutex_->value_; }
  T* operator->() const noexcept { return &mutex_->value_; }
  explicit operator bool() const noexcept { return mutex_ != nullptr; }

  /// Releases it early; a second call does nothing.
  void unlock(location where = location::current()) noexcept SIGSAFE_NO_ANALYSIS {
    if (auto* owned = std::exchange(mutex_, nullptr)) owned->raw_.unlock(where);
  }
  void swap(mutex_guard& other) noexcept { std::swap(mutex_, other.mutex_); }

 private:
  friend class mutex<T, L, B>;
  friend class condition_variable;
  [[nodiscard]] raw_mutex<L, B>& raw() const noexcept { return mutex_->raw_; }
  explicit mutex_guard(mutex<T, L, B>* owned) noexcept : mutex_(owned) {}

  mutex<T, L, B>* mutex_;
};

/// Owns a value that threads and handlers share: the only way to it is through a lock.
///
///     constinit sigsafe::mutex<int> requests;   // a handler may do the same as the thread:
///     ++*requests.lock();
///
/// A guard without a name lives until the end of its statement: one that locks a mutex twice, as in
/// `f(*m.lock(), *m.lock())`, waits for itself for ever; a checked build panics.
/// Safety:   async-signal-safe if L is, and thread-safe
/// Errors:   those of L; a checked build panics on a recursive lock
/// Cost:     as raw_mutex; hosted, sizeof(mutex<int>) is 8
template <class T, raw_lock L = default_raw_lock, interrupt_backend B = backend::native>
class SIGSAFE_CAPABILITY mutex {
 public:
  using value_type = T;
  using backend_type = B;
  using guard_type = mutex_guard<T, L, B>;

  constexpr mutex() noexcept(std::is_nothrow_default_constructible_v<T>)
    requires std::default_initializable<T>
      : value_() {}
  constexpr explicit mutex(T value) noexcept(std::is_nothrow_move_constructible_v<T>)
      : value_(std::move(value)) {}
  template <class... Args>
    requires std::constructible_from<T, Args...>
  constexpr explicit mutex(std::in_place_t, Args&&... args) : value_(std::forward<Args>(args)...) {}
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;

  /// Pre:      this thread does not hold it.   Post: !B::enabled() while the guard lives
  [[nodiscard]] guard_type lock(location where = location::current()) noexcept(
      detail::locks_nothrow<L>) SIGSAFE_EXCLUDES(this) SIGSAFE_NO_ANALYSIS {
    raw_.lock(where);
    return guard_type{this};
  }

  /// An empty guard, and interrupts as they were, when somebody holds it.
  [[nodiscard]] guard_type try_lock(location where = location::current()) noexcept(
      detail::tries_nothrow<L>) SIGSAFE_EXCLUDES(this) SIGSAFE_NO_ANALYSIS {
    return guard_type{raw_.try_lock(where) ? this : nullptr};
  }

  /// As try_lock, for at most a duration.
  template <class Duration>
    requires detail::locks_for<L, Duration>
  [[nodiscard]] guard_type try_lock_for(Duration time, location where = location::current())
      SIGSAFE_EXCLUDES(this) SIGSAFE_NO_ANALYSIS {
    return guard_type{raw_.try_lock_for(time, where) ? this : nullptr};
  }
  /// As try_lock, until a time point.
  template <class Time>
    requires detail::locks_until<L, Time>
  [[nodiscard]] guard_type try_lock_until(Time time, location where = location::current())
      SIGSAFE_EXCLUDES(this) SIGSAFE_NO_ANALYSIS {
    return guard_type{raw_.try_lock_until(time, where) ? this : nullptr};
  }

  /// Calls function with the value, locked; returns what it returns. Unlocks also when it throws.
  template <class F>
  decltype(auto) with_lock(F&& function, location where = location::current())
      SIGSAFE_EXCLUDES(this) {
    const guard_type locked = lock(where);
    return detail::invoke(std::forward<F>(function), *locked);
  }

  /// Whether somebody holds it at this moment; for assertions, not for decisions.
  [[nodiscard]] bool is_locked() const noexcept
    requires requires(const L& lock) { lock.is_locked(); }
  {
    return raw_.is_locked();
  }

  /// The value without a lock.
  /// Pre:      nobody else can reach this mutex, neither a thread nor a handler
  [[nodiscard]] constexpr T& get_mut() noexcept { return value_; }

  /// The value, moved out.   Pre: as get_mut
  [[nodiscard]] constexpr T into_inner() && noexcept(std::is_nothrow_move_constructible_v<T>) {
    return std::move(value_);
  }

 private:
  friend class mutex_guard<T, L, B>;

  raw_mutex<L, B> raw_;
  T value_;
};

template <class T>
mutex(T) -> mutex<T>;

}  // namespace sigsafe
