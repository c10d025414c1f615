// Eager: the kernel's signal mask is changed at once.
#pragma once

#include <sigsafe/config.hpp>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/detail/hosted_backend.hpp>
#include <sigsafe/detail/protocol.hpp>
#include <sigsafe/detail/relaxed.hpp>
#include <sigsafe/detail/thread_state.hpp>

namespace sigsafe::backend {

/// Holds off every maskable signal of the calling thread: those of sigsafe's handlers, of foreign
/// handlers, and default actions; but not those of handlers with .deferrable = false. Holds may be
/// released in any order.
/// Safety:   async-signal-safe, thread-safe; errno is kept
/// Errors:   none; an error from pthread_sigmask would be a bug here and panics
/// Cost:     one system call for the first hold, one for the last release; nested, and inside a
///           handler, none
/// Source:   POSIX.1-2024 pthread_sigmask
struct posix : detail::hosted_backend {
  struct saved_state {};

  static saved_state disable() noexcept {
    enter();
    return {};
  }
  static void restore(saved_state) noexcept { leave(); }

  SIGSAFE_NO_UBSAN static void enter() noexcept {
    auto& thread = detail::this_thread;
    if (thread.eager.load() == 0)
      detail::begin_first_eager();
    else
      thread.eager.increment();
    thread.held.increment();
    detail::handler_fence();  // the region's accesses stay behind the counts
  }

  SIGSAFE_NO_UBSAN static void leave() noexcept {
    auto& thread = detail::this_thread;
    detail::handler_fence();  // the region's accesses stay before the counts
    thread.held.decrement();
    if (thread.eager.load() > 1)
      thread.eager.decrement();
    else
      detail::release_last_eager();
  }
};
static_assert(counting_backend<posix> && identifying_backend<posix> && timed_backend<posix>);

}  // namespace sigsafe::backend
