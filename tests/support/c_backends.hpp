// The holds of sigsafe.h as backends, so that what every backend must do is asked of them too.
#pragma once

#include <sigsafe/sigsafe.h>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/detail/thread_state.hpp>

namespace test {

/// The functions of one kind, and its guard.
struct c_lazy_calls {
  static constexpr auto lock = &sigsafe_lazy_lock;
  static constexpr auto trylock = &sigsafe_lazy_trylock;
  static constexpr auto lock_until = &sigsafe_lazy_lock_until;
  static constexpr auto unlock = &sigsafe_lazy_unlock;
  static constexpr auto enter = &sigsafe_lazy_enter;
  static constexpr auto leave = &sigsafe_lazy_leave;
  static constexpr auto condition_wait = &sigsafe_lazy_condition_wait;
  static constexpr auto condition_wait_until = &sigsafe_lazy_condition_wait_until;
  template <class F>
  static void guarded(F function) {
    SIGSAFE_LAZY_GUARD;
    function();
  }
};
struct c_eager_calls {
  static constexpr auto lock = &sigsafe_eager_lock;
  static constexpr auto trylock = &sigsafe_eager_trylock;
  static constexpr auto lock_until = &sigsafe_eager_lock_until;
  static constexpr auto unlock = &sigsafe_eager_unlock;
  static constexpr auto enter = &sigsafe_eager_enter;
  static constexpr auto leave = &sigsafe_eager_leave;
  static constexpr auto condition_wait = &sigsafe_eager_condition_wait;
  static constexpr auto condition_wait_until = &sigsafe_eager_condition_wait_until;
  template <class F>
  static void guarded(F function) {
    SIGSAFE_EAGER_GUARD;
    function();
  }
};

/// What every backend has, of one kind.
template <class Calls>
struct c_backend {
  struct saved_state {};
  static saved_state disable() noexcept {
    Calls::enter();
    return {};
  }
  static void restore(saved_state) noexcept { Calls::leave(); }
  static void enter() noexcept { Calls::enter(); }
  static void leave() noexcept { Calls::leave(); }
  static bool enabled() noexcept { return sigsafe_enabled(); }
  static void wait(saved_state) { sigsafe_wait(); }
  static const void* self() noexcept { return &sigsafe::detail::this_thread; }
};
using c_lazy = c_backend<c_lazy_calls>;
using c_eager = c_backend<c_eager_calls>;
static_assert(sigsafe::counting_backend<c_lazy> && sigsafe::identifying_backend<c_lazy>);
static_assert(sigsafe::counting_backend<c_eager> && sigsafe::identifying_backend<c_eager>);

}  // namespace test
