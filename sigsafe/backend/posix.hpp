// Eager: the kernel's signal mask is changed at once.
#pragma once

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/detail/wait.hpp>

namespace sigsafe::backend {

/// Holds off every maskable signal of the calling thread: those of sigsafe's handlers, of foreign
/// handlers, and default actions. Owners may end in any order.
/// Safety:   async-signal-safe, thread-safe; errno is kept
/// Errors:   none; an error from pthread_sigmask would be a bug here and panics
/// Cost:     one system call when the first owner begins, one when the last one ends; nested, and
///           inside a handler, none
/// Source:   POSIX.1-2024 pthread_sigmask
struct posix : detail::sleeping_backend {
  struct state_type {};

  static state_type disable() noexcept {
    enter();
    return {};
  }
  static void restore(state_type) noexcept { leave(); }

  SIGSAFE_NO_UBSAN static void enter() noexcept {
    auto& thread = detail::this_thread;
    // Mask first, count second: a foreign handler between the two that used a guard of its own
    // would find hard raised and take a mask for closed that is still open.
    if (thread.hard.load() == 0) detail::close_mask();
    thread.count.increment();
    thread.hard.increment();
    detail::handler_fence();  // the region's accesses stay behind the counts
  }

  SIGSAFE_NO_UBSAN static void leave() noexcept {
    auto& thread = detail::this_thread;
    detail::handler_fence();  // the region's accesses stay before the counts
    thread.count.decrement();
    thread.hard.decrement();
    detail::handler_fence();  // the counts are down before the mask opens
    if (thread.hard.load() == 0) detail::end_of_eager();
  }

  /// Would a handler run now? False while an owner, eager or lazy, lives on this thread and while
  /// a handler runs. A mask that the program set by itself is not looked at.
  SIGSAFE_NO_UBSAN static bool enabled() noexcept { return detail::this_thread.idle(); }

  static const void* self() noexcept { return &detail::this_thread; }
};
static_assert(counting_backend<posix> && identifying_backend<posix>);

}  // namespace sigsafe::backend
