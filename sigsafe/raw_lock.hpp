// Locks without data and without a guard: what raw_mutex and mutex are built around.
#pragma once

#include <sigsafe/config.hpp>

#include <concepts>
#include <cstdint>

#if SIGSAFE_HOSTED
#include <sigsafe/detail/deadline.hpp>
#include <sigsafe/detail/futex.hpp>
#endif

namespace sigsafe {

/// Lockable in the sense of the standard: std::mutex, Boost's and Abseil's are raw locks too.
template <class L>
concept raw_lock = requires(L& lock) {
  lock.lock();
  { lock.try_lock() } -> std::convertible_to<bool>;
  lock.unlock();
};

/// A raw lock that can be waited for without taking it: wait returns when the lock was free at some
/// moment, or earlier. A raw_mutex waits for such a lock with interrupts enabled. wait_shared is
/// the same for those who want to share the lock.
template <class L>
concept waitable_lock = raw_lock<L> && requires(L& lock) { lock.wait(); };
template <class L>
concept shared_waitable_lock = requires(L& lock) {
  { lock.try_lock_shared() } -> std::convertible_to<bool>;
  lock.wait_shared();
};

/// A waitable lock whose wait may end at a time: wait_until returns false when now, a clock that
/// nobody sets, has come to this number of nanoseconds.
template <class L>
concept timed_waitable_lock = waitable_lock<L> && requires(L& lock, std::int64_t deadline) {
  { L::now() } -> std::same_as<std::int64_t>;
  { lock.wait_until(deadline) } -> std::convertible_to<bool>;
};

/// Spins until it is free. Works everywhere, also without an operating system. With more threads
/// than processors it wastes what the holder needs; hosted, futex_lock is the default.
/// Safety:   async-signal-safe, but a handler that locks what its own thread holds spins for ever:
///           put it into a raw_mutex or mutex; thread-safe
/// Errors:   none
/// Cost:     one atomic exchange to lock, one store to unlock; 4 bytes
class spinlock {
 public:
  constexpr spinlock() noexcept = default;
  spinlock(const spinlock&) = delete;
  spinlock& operator=(const spinlock&) = delete;

  void lock() noexcept {
    while (!try_lock()) wait();
  }
  [[nodiscard]] bool try_lock() noexcept {
    return __atomic_exchange_n(&locked_, 1U, __ATOMIC_ACQUIRE) == 0;  // pairs with unlock
  }
  void unlock() noexcept { __atomic_store_n(&locked_, 0U, __ATOMIC_RELEASE); }
  /// Returns when it is free; does not take it.
  void wait() const noexcept {
    while (is_locked()) SIGSAFE_CPU_RELAX();
  }
  [[nodiscard]] bool is_locked() const noexcept {
    return __atomic_load_n(&locked_, __ATOMIC_RELAXED) != 0;
  }

 private:
  // A word, because some processors (RISC-V) exchange nothing smaller.
  unsigned locked_ = 0;
};
static_assert(waitable_lock<spinlock>);

#if SIGSAFE_HOSTED

/// Sleeps in the kernel while it is not free.
///
///   state    try_lock   wait                   unlock
///   free     -> held    returns                (misuse)
///   held     fails      -> waited              -> free, nobody sleeps
///   waited   fails      sleeps while it is     -> free, wakes all
///
/// It wakes all, because the one that it woke might be interrupted before it takes the lock, by a
/// handler that waits for something that another sleeper holds.
/// Safety:   async-signal-safe, but a handler that locks what its own thread holds sleeps for ever:
///           put it into a raw_mutex or mutex; thread-safe
/// Errors:   none
/// Cost:     one atomic operation each to lock and to unlock; no system call unless threads
///           contend; 4 bytes
class futex_lock {
 public:
  constexpr futex_lock() noexcept = default;
  futex_lock(const futex_lock&) = delete;
  futex_lock& operator=(const futex_lock&) = delete;

  void lock() noexcept {
    if (!try_lock()) [[unlikely]]
      lock_contended();
  }
  [[nodiscard]] bool try_lock() noexcept {
    std::uint32_t expected = free;
    return __atomic_compare_exchange_n(&state_, &expected, held, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);  // pairs with unlock
  }
  void unlock() noexcept {
    // Once it is free another thread may take it, destroy it and free its memory: only its address
    // is used from there on.
    if (__atomic_exchange_n(&state_, free, __ATOMIC_RELEASE) == waited) [[unlikely]]
      detail::futex_wake(&state_);
  }

  /// For at most a std::chrono::duration (or what is like it). One that is not positive only tries;
  /// one of more than 292 years lasts that long.
  template <detail::duration_like Duration>
  [[nodiscard]] bool try_lock_for(const Duration& time) noexcept {
    return detail::attempt_for(*this, detail::to_nanoseconds(time), [this] { return try_lock(); });
  }
  /// Until a std::chrono::time_point, of any clock. When the clock is set forward meanwhile, that
  /// is only seen when the time that was left has passed.
  template <detail::time_point_like Time>
  [[nodiscard]] bool try_lock_until(const Time& time) noexcept(noexcept(Time::clock::now())) {
    return detail::attempt_until(*this, time, [this] { return try_lock(); });
  }

  /// Returns when it is free, or earlier; does not take it. errno is kept.
  void wait() noexcept {
    while (marked()) detail::futex_wait(&state_, waited);
  }
  /// The same, at most until now() is `deadline`; false when it is.
  bool wait_until(std::int64_t deadline) noexcept {
    while (marked())
      if (!detail::futex_wait_until(&state_, waited, deadline)) return false;
    return true;
  }
  /// For who holds it: others may sleep on the word that this returns, and the unlock wakes them.
  /// Null when it is free.
  [[nodiscard]] std::uint32_t* expect_sleepers() noexcept { return marked() ? &state_ : nullptr; }
  /// CLOCK_MONOTONIC, in nanoseconds.
  [[nodiscard]] static std::int64_t now() noexcept { return detail::monotonic_now(); }

  [[nodiscard]] bool is_locked() const noexcept {
    return __atomic_load_n(&state_, __ATOMIC_RELAXED) != free;
  }

 private:
  static constexpr std::uint32_t free = 0, held = 1, waited = 2;

  [[gnu::noinline]] void lock_contended() noexcept {
    do wait();
    while (!try_lock());
  }

  // False when it is free; else it is waited now. Not by a store: a lock that was released
  // meanwhile would look as if somebody held it, and nobody would release it.
  bool marked() noexcept {
    std::uint32_t seen = __atomic_load_n(&state_, __ATOMIC_RELAXED);
    while (seen == held && !__atomic_compare_exchange_n(&state_, &seen, waited, false,
                                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
    return seen != free;
  }

  std::uint32_t state_ = free;
};
static_assert(timed_waitable_lock<futex_lock>);

using default_raw_lock = futex_lock;

#else

using default_raw_lock = spinlock;

#endif

}  // namespace sigsafe
