// Locks without data and without a guard: what raw_mutex and mutex are built around.
#pragma once

#include <sigsafe/config.hpp>

#include <concepts>

#if SIGSAFE_HOSTED
#include <cstdint>

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
    while (!try_lock())
      while (is_locked()) SIGSAFE_CPU_RELAX();
  }
  [[nodiscard]] bool try_lock() noexcept {
    return __atomic_exchange_n(&locked_, 1U, __ATOMIC_ACQUIRE) == 0;  // pairs with unlock
  }
  void unlock() noexcept { __atomic_store_n(&locked_, 0U, __ATOMIC_RELEASE); }
  [[nodiscard]] bool is_locked() const noexcept {
    return __atomic_load_n(&locked_, __ATOMIC_RELAXED) != 0;
  }

 private:
  // A word, because some processors (RISC-V) exchange nothing smaller.
  unsigned locked_ = 0;
};
static_assert(raw_lock<spinlock>);

#if SIGSAFE_HOSTED

/// Sleeps in the kernel while it is not free.
///
///   state      lock        unlock                 meaning
///   free       -> held     (misuse)
///   held       -> waited   -> free                nobody sleeps
///   waited     sleeps      -> free, wakes one     somebody may sleep
///
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
      detail::futex_wake(&state_, 1);
  }
  [[nodiscard]] bool is_locked() const noexcept {
    return __atomic_load_n(&state_, __ATOMIC_RELAXED) != free;
  }

 private:
  static constexpr std::uint32_t free = 0, held = 1, waited = 2;

  [[gnu::noinline]] void lock_contended() noexcept {
    while (__atomic_exchange_n(&state_, waited, __ATOMIC_ACQUIRE) != free)
      detail::futex_wait(&state_, waited);
  }

  std::uint32_t state_ = free;
};
static_assert(raw_lock<futex_lock>);

using default_raw_lock = futex_lock;

#else

using default_raw_lock = spinlock;

#endif

}  // namespace sigsafe
