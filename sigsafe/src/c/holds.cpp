// What the inline functions of sigsafe.h call, and the holds that are not inlined.
#include <sigsafe/sigsafe.h>

#include <cstddef>
#include <cstdint>

#include <sigsafe/condition_variable.hpp>
#include <sigsafe/detail/futex.hpp>
#include <sigsafe/detail/protocol.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/discard.hpp>
#include <sigsafe/panic.hpp>
#include <sigsafe/raw_lock.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/c/times.hpp>

namespace sigsafe::c {
namespace {

static_assert(offsetof(sigsafe_abi1_thread, held) == offsetof(detail::thread_state, held));
static_assert(offsetof(sigsafe_abi1_thread, eager) == offsetof(detail::thread_state, eager));
static_assert(offsetof(sigsafe_abi1_thread, deferred) == offsetof(detail::thread_state, deferred));
static_assert(offsetof(sigsafe_abi1_thread, resumed) == offsetof(detail::thread_state, resumed));
static_assert(sizeof(sigsafe_mutex) == sizeof(futex_lock));
static_assert(sizeof(sigsafe_condition) == sizeof(condition_variable));

// Each is what C calls it, and nothing more: a word, and two.
futex_lock& lock_of(sigsafe_mutex& mutex) noexcept {
  return reinterpret_cast<futex_lock&>(mutex.state);
}
condition_variable& variable_of(sigsafe_condition& condition) noexcept {
  return reinterpret_cast<condition_variable&>(condition.changes);
}

/// A sigsafe_mutex as the standard's Lockable, for a condition variable.
struct lazy_lock {
  sigsafe_mutex* mutex;
  void lock() noexcept { sigsafe_lazy_lock(mutex); }
  bool try_lock() noexcept { return sigsafe_lazy_trylock(mutex); }
  void unlock() noexcept { sigsafe_lazy_unlock(mutex); }
};
struct eager_lock {
  sigsafe_mutex* mutex;
  void lock() noexcept { sigsafe_eager_lock(mutex); }
  bool try_lock() noexcept { return sigsafe_eager_trylock(mutex); }
  void unlock() noexcept { sigsafe_eager_unlock(mutex); }
};

template <class Lock>
bool lock_until(sigsafe_mutex* mutex, std::int64_t deadline) noexcept {
  Lock lock{mutex};
  while (!lock.try_lock())
    if (!lock_of(*mutex).wait_until(deadline)) return lock.try_lock();
  return true;
}

template <class Lock>
void wait(sigsafe_condition* condition, sigsafe_mutex* mutex) {
  Lock lock{mutex};
  variable_of(*condition).wait(lock, {nullptr, 0});
}

template <class Lock>
bool wait_until(sigsafe_condition* condition, sigsafe_mutex* mutex, std::int64_t deadline) {
  Lock lock{mutex};
  return variable_of(*condition).wait_for(lock, time_until(deadline), {nullptr, 0});
}

}  // namespace
}  // namespace sigsafe::c

void sigsafe_abi1_dispatch() noexcept { sigsafe::detail::dispatch_deferred(); }
void sigsafe_abi1_begin_first_eager() noexcept { sigsafe::detail::begin_first_eager(); }
void sigsafe_abi1_release_last_eager() noexcept { sigsafe::detail::release_last_eager(); }

void sigsafe_abi1_await_unlock(sigsafe_mutex* mutex) noexcept {
  sigsafe::c::lock_of(*mutex).wait();
}
void sigsafe_abi1_wake(sigsafe_mutex* mutex) noexcept {
  sigsafe::detail::futex_wake(&mutex->state);
}

void sigsafe_abi1_refuse_leave() noexcept {
  sigsafe::panic(
      "a hold was left that this thread has not entered; find the leave that is one too many",
      {nullptr, 0});
}
void sigsafe_abi1_refuse_unlock() noexcept {
  sigsafe::panic("a sigsafe_mutex was unlocked that nobody has locked", {nullptr, 0});
}

bool sigsafe_lazy_lock_until(sigsafe_mutex* mutex, int64_t deadline) noexcept {
  return sigsafe::c::lock_until<sigsafe::c::lazy_lock>(mutex, deadline);
}
bool sigsafe_eager_lock_until(sigsafe_mutex* mutex, int64_t deadline) noexcept {
  return sigsafe::c::lock_until<sigsafe::c::eager_lock>(mutex, deadline);
}

void sigsafe_condition_notify_one(sigsafe_condition* condition) noexcept {
  sigsafe::c::variable_of(*condition).notify_one();
}
void sigsafe_condition_notify_all(sigsafe_condition* condition) noexcept {
  sigsafe::c::variable_of(*condition).notify_all();
}
void sigsafe_lazy_condition_wait(sigsafe_condition* condition, sigsafe_mutex* mutex) {
  sigsafe::c::wait<sigsafe::c::lazy_lock>(condition, mutex);
}
void sigsafe_eager_condition_wait(sigsafe_condition* condition, sigsafe_mutex* mutex) {
  sigsafe::c::wait<sigsafe::c::eager_lock>(condition, mutex);
}
bool sigsafe_lazy_condition_wait_until(sigsafe_condition* condition, sigsafe_mutex* mutex,
                                       int64_t deadline) {
  return sigsafe::c::wait_until<sigsafe::c::lazy_lock>(condition, mutex, deadline);
}
bool sigsafe_eager_condition_wait_until(sigsafe_condition* condition, sigsafe_mutex* mutex,
                                        int64_t deadline) {
  return sigsafe::c::wait_until<sigsafe::c::eager_lock>(condition, mutex, deadline);
}

void sigsafe_subset_enter(const sigset_t* signals) noexcept {
  static_cast<void>(sigsafe::detail::hold_subset(sigsafe::signal_set{*signals} &
                                                 sigsafe::signal_set::maskable()));
}
void sigsafe_subset_leave(const sigset_t* signals) noexcept {
  sigsafe::detail::release_subset(sigsafe::signal_set{*signals} & sigsafe::signal_set::maskable());
}

void sigsafe_discard_enter(int signal) noexcept {
  sigsafe::detail::begin_discarding({signal}, {nullptr, 0});
}
void sigsafe_discard_leave(int signal) noexcept { sigsafe::detail::end_discarding({signal}); }

int64_t sigsafe_now() noexcept { return sigsafe::detail::monotonic_now(); }
