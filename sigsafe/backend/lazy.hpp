// Lazy: a thread-local counter is changed, and the kernel's mask only by a signal that comes early.
#pragma once

#include <sigsafe/config.hpp>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/detail/hosted_backend.hpp>
#include <sigsafe/detail/protocol.hpp>
#include <sigsafe/detail/relaxed.hpp>
#include <sigsafe/detail/thread_state.hpp>

namespace sigsafe::backend {

/// Holds off the handlers that are registered through sigsafe::handler: a signal that arrives while
/// the thread is held is deferred, and its handlers run with the last release. It does not hold off
/// foreign handlers and default actions; a system call inside may be interrupted once; longjmp out
/// is not supported; a thread or program that is started inside, after a deferral, inherits a
/// blocked mask. Mutex locks and borrows may be released in any order, mixed with eager holds;
/// guards in the reverse order.
/// Safety:   async-signal-safe, thread-safe; errno is kept
/// Errors:   none
/// Cost:     no system call; the release of a basic_guard is one store, one load and one branch.
///           When a signal was deferred, two system calls and its handlers at the last release
struct lazy : detail::hosted_backend {
  using saved_state = unsigned;  // the depth before

  SIGSAFE_NO_UBSAN static saved_state disable() noexcept {
    auto& depth = detail::this_thread.depth;
    const unsigned saved = depth.load();
    depth.store(saved + 1);
    detail::handler_fence();  // the region's accesses stay behind the depth
    return saved;
  }

  SIGSAFE_NO_UBSAN static void restore(saved_state saved) noexcept {
    auto& thread = detail::this_thread;
    detail::handler_fence();  // the region's accesses stay before the depth
    thread.depth.store(saved);
    dispatch_what_was_deferred(thread);
  }

  SIGSAFE_NO_UBSAN static void enter() noexcept {
    detail::this_thread.count.increment();
    detail::handler_fence();  // the region's accesses stay behind the count
  }

  SIGSAFE_NO_UBSAN static void leave() noexcept {
    auto& thread = detail::this_thread;
    detail::handler_fence();  // the region's accesses stay before the count
    thread.count.decrement();
    dispatch_what_was_deferred(thread);
  }

 private:
  // Rule 4. The numbers are down before deferred is read: a signal before that store is seen by the
  // read, a signal after it runs its handlers itself.
  SIGSAFE_NO_UBSAN static void dispatch_what_was_deferred(detail::thread_state& thread) noexcept {
    detail::handler_fence();
    if (thread.has_deferred()) [[unlikely]]
      detail::dispatch_deferred();
  }
};
static_assert(counting_backend<lazy> && identifying_backend<lazy> && timed_backend<lazy>);

}  // namespace sigsafe::backend
