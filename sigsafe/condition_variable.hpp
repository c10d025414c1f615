// Waiting, with a mutex, for something that a handler or another thread makes true.
#pragma once

#include <sigsafe/config.hpp>

#include <climits>
#include <concepts>
#include <cstdint>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/detail/annotations.hpp>
#include <sigsafe/detail/deadline.hpp>
#include <sigsafe/detail/futex.hpp>
#include <sigsafe/detail/wait.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/panic.hpp>
#include <sigsafe/raw_lock.hpp>

namespace sigsafe {

/// A condition variable that handlers may notify, and whose mutex they may lock. It works with the
/// guards of mutex, and with raw_mutex and every other lock that has lock and unlock, by itself or
/// in a std::unique_lock.
///
///     constinit sigsafe::mutex<job_queue> jobs;       // of fixed size: handlers must not allocate
///     constinit sigsafe::condition_variable more;
///     auto locked = jobs.lock();
///     more.wait(locked, [&] { return !locked->empty(); });     // handlers run meanwhile
///
/// A wait has no lock of its own: it unlocks the mutex, which releases its hold, and sleeps unless
/// a notification has come since it began. Without a predicate it may come back for nothing.
///
/// What is waited for is changed under the mutex. With a predicate that reads atomics only it may
/// be changed without: a wait asks it when it is counted as a waiter already.
/// Safety:   notify_one and notify_all are async-signal-safe; all of it but destruction is
///           thread-safe; errno is kept
/// Pre:      to destroy it, every wait and every notification has returned
/// Errors:   a wait panics inside a handler, and when its thread holds anything but the lock
/// Cost:     8 bytes; a notification is an atomic operation and, when somebody waits, a system call
class condition_variable {
 public:
  constexpr condition_variable() noexcept = default;
  condition_variable(const condition_variable&) = delete;
  condition_variable& operator=(const condition_variable&) = delete;

  /// Wakes one thread that waits, if there is one.   Safety: async-signal-safe, thread-safe
  void notify_one() noexcept { notify(1); }

  /// Wakes all threads that wait.   Safety: async-signal-safe, thread-safe
  void notify_all() noexcept { notify(INT_MAX); }

  /// The same, for who holds the lock that they wait with: they wake up when it is unlocked, and
  /// none wakes up to find it locked. Where the lock is not a futex_lock, as notify_all().
  /// Pre:      this thread holds the lock; it panics when nobody does
  template <class Lock>
  void notify_all(Lock& held, location where = location::current()) noexcept {
    if constexpr (requires { lock_word(lockable(held)); }) {
      std::uint32_t* const word = lock_word(lockable(held));
      if (word == nullptr)
        panic("notify_all with a lock that nobody holds; lock it first, or leave it out", where);
      if (advance()) detail::futex_move(&changes_, word);
    } else {
      notify_all();
    }
  }

  /// Unlocks, sleeps until a notification, and locks again.
  /// Safety:   not async-signal-safe: a handler that waits would hold up what it waits for;
  ///           thread-safe. Not a cancellation point
  /// Pre:      this thread holds the lock and nothing else.   Post: it holds it
  /// Errors:   what lock and the predicate throw
  template <class Lock>
  void wait(Lock& lock, location where = location::current()) {
    sleep(lock, waiter{*this}, detail::longest_time, where);
  }
  /// Until the predicate, which is asked with the lock held, says so.
  template <class Lock, std::predicate Predicate>
  void wait(Lock& lock, Predicate holds, location where = location::current()) {
    wait_while_left(lock, [] { return detail::longest_time; }, holds, where);
  }

  /// For at most a duration; false when the time was up.
  template <class Lock, detail::duration_like Duration>
  bool wait_for(Lock& lock, const Duration& time, location where = location::current()) {
    return sleep(lock, waiter{*this}, end_of(time), where);
  }
  /// Returns what the predicate says in the end.
  template <class Lock, detail::duration_like Duration, std::predicate Predicate>
  bool wait_for(Lock& lock, const Duration& time, Predicate holds,
                location where = location::current()) {
    const auto left = [end = end_of(time)] {
      return detail::saturating_difference(end, detail::monotonic_now());
    };
    return wait_while_left(lock, left, holds, where);
  }

  /// Until a time point of any clock; false when it has passed.
  template <class Lock, detail::time_point_like Time>
  bool wait_until(Lock& lock, const Time& time, location where = location::current()) {
    const std::int64_t end =
        detail::saturating_sum(detail::monotonic_now(), detail::nanoseconds_until(time));
    return sleep(lock, waiter{*this}, end, where) || detail::nanoseconds_until(time) > 0;
  }
  /// Returns what the predicate says in the end.
  template <class Lock, detail::time_point_like Time, std::predicate Predicate>
  bool wait_until(Lock& lock, const Time& time, Predicate holds,
                  location where = location::current()) {
    return wait_while_left(lock, [&] { return detail::nanoseconds_until(time); }, holds, where);
  }

 private:
  /// Counted while it lives, and knows what has changed since.
  class waiter {
   public:
    explicit waiter(condition_variable& of) noexcept : of_(of) {
      __atomic_fetch_add(&of.waiters_, 1U, __ATOMIC_SEQ_CST);
      seen_ = __atomic_load_n(&of.changes_, __ATOMIC_SEQ_CST);
    }
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;
    ~waiter() { __atomic_fetch_sub(&of_.waiters_, 1U, __ATOMIC_SEQ_CST); }

    [[nodiscard]] std::uint32_t seen() const noexcept { return seen_; }

   private:
    condition_variable& of_;
    std::uint32_t seen_;
  };

  template <class Lock>
  static Lock& lockable(Lock& lock) noexcept {
    return lock;
  }
  template <class T, raw_lock L, interrupt_backend B>
  static raw_mutex<L, B>& lockable(mutex_guard<T, L, B>& held) noexcept {
    return held.raw();
  }

  /// The word on which those who wait for a held lock sleep; its unlock wakes them. Null when
  /// nobody holds it.
  static std::uint32_t* lock_word(futex_lock& lock) noexcept { return lock.expect_sleepers(); }
  template <raw_lock L, interrupt_backend B>
    requires requires(L& lock) { lock_word(lock); }
  static std::uint32_t* lock_word(raw_mutex<L, B>& mutex) noexcept {
    return lock_word(mutex.underlying());
  }
  template <class Lock>
    requires requires(Lock& lock) { lock_word(*lock.mutex()); }
  static std::uint32_t* lock_word(Lock& lock) noexcept {
    return lock_word(*lock.mutex());
  }

  template <class Duration>
  static std::int64_t end_of(const Duration& time) noexcept {
    return detail::saturating_sum(detail::monotonic_now(), detail::to_nanoseconds(time));
  }

  // Whoever reads the new value has not waited for this; who has read the old one does not sleep.
  bool advance() noexcept {
    __atomic_fetch_add(&changes_, 1U, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&waiters_, __ATOMIC_SEQ_CST) != 0;
  }
  void notify(int most) noexcept {
    if (advance()) detail::futex_wake(&changes_, most);
  }

  // It looks for holds when the mutex has released its own.
  template <class Lock>
  bool sleep(Lock& lock, const waiter& counted, std::int64_t deadline,
             location where) SIGSAFE_NO_ANALYSIS {
    auto& mutex = lockable(lock);
    mutex.unlock();
    detail::require_no_hold(where);
    const bool in_time = detail::futex_wait_until(&changes_, counted.seen(), deadline);
    mutex.lock();
    return in_time;
  }

  template <class Lock, class Left, class Predicate>
  bool wait_while_left(Lock& lock, Left left, Predicate& holds, location where) {
    for (;;) {
      const waiter counted{*this};
      if (holds()) return true;
      const std::int64_t nanoseconds = left();
      if (nanoseconds <= 0) return false;
      const bool for_ever = nanoseconds == detail::longest_time;  // then no clock is asked
      sleep(lock, counted,
            for_ever ? nanoseconds : detail::saturating_sum(detail::monotonic_now(), nanoseconds),
            where);
    }
  }

  std::uint32_t changes_ = 0;
  std::uint32_t waiters_ = 0;
};

}  // namespace sigsafe
