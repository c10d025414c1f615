// Lazy: a thread-local counter is changed, and the kernel's mask only by a signal that comes early.
#pragma once

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/detail/wait.hpp>

namespace sigsafe::backend {

/// Holds off the handlers that are registered through sigsafe::handler: a signal that arrives while
/// an owner lives is deferred, and its handlers run when the last owner ends. It does not hold off
/// foreign handlers and default actions; a system call inside may be interrupted once; longjmp out
/// is not supported; a thread or program that is started inside, after a deferral, inherits a
/// blocked mask. Owners may end in any order, mixed with eager ones.
/// Safety:   async-signal-safe, thread-safe; errno is kept
/// Errors:   none
/// Cost:     no system call; the end of a basic_guard is one store, one load and one branch. When a
///           signal was deferred, two system calls and its handlers at the end of the last owner
struct lazy : detail::sleeping_backend {
  using state_type = unsigned;  // the depth outside

  SIGSAFE_NO_UBSAN static state_type disable() noexcept {
    auto& depth = detail::this_thread.depth;
    const unsigned outer = depth.load();
    depth.store(outer + 1);
    detail::handler_fence();  // (1) the region's accesses stay behind the depth
    return outer;
  }

  SIGSAFE_NO_UBSAN static void restore(state_type outer) noexcept {
    auto& thread = detail::this_thread;
    detail::handler_fence();  // (2) the region's accesses stay before the depth
    thread.depth.store(outer);
    // (3) The depth is down before deferred is read: a signal before the store is seen by the read,
    // a signal after the store runs its handlers itself.
    detail::handler_fence();
    if (thread.has_deferred()) [[unlikely]]
      detail::dispatch_deferred();
  }

  SIGSAFE_NO_UBSAN static void enter() noexcept {
    detail::this_thread.count.increment();
    detail::handler_fence();  // as (1)
  }

  SIGSAFE_NO_UBSAN static void leave() noexcept {
    auto& thread = detail::this_thread;
    detail::handler_fence();  // as (2)
    thread.count.decrement();
    detail::handler_fence();  // as (3)
    if (thread.has_deferred()) [[unlikely]]
      detail::dispatch_deferred();
  }

  /// Would a handler run now? False while an owner, eager or lazy, lives on this thread and while
  /// a handler runs. A mask that the program set by itself is not looked at.
  SIGSAFE_NO_UBSAN static bool enabled() noexcept { return detail::this_thread.idle(); }

  static const void* self() noexcept { return &detail::this_thread; }
};
static_assert(counting_backend<lazy> && identifying_backend<lazy>);

}  // namespace sigsafe::backend
