// Lazy: a thread-local counter is changed, and the kernel's mask only by a signal that comes early.
#pragma once

#include <sigsafe/config.hpp>

#include <cstdint>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/detail/hosted_backend.hpp>
#include <sigsafe/detail/protocol.hpp>
#include <sigsafe/detail/relaxed.hpp>
#include <sigsafe/detail/thread_state.hpp>

namespace sigsafe::backend {

/// Holds off the handlers that are registered through sigsafe::handler: a signal that arrives while
/// the thread is held is deferred, and its handlers run with the last release. It does not hold off
/// foreign handlers, default actions and handlers with .deferrable = false; a system call inside
/// may be interrupted once; a signal of the process that the kernel gives to a held thread waits
/// for it, even when another thread is free; longjmp out is not supported; a thread or program that
/// is started inside, after a deferral, inherits a blocked mask. Holds may be released in any
/// order, mixed with eager ones.
/// Safety:   async-signal-safe, thread-safe; errno is kept
/// Errors:   none
/// Cost:     no system call; a basic_guard is five loads, two stores and three branches that are
///           predicted. When a signal was deferred, two system calls and its handlers at the last
///           release
struct lazy : detail::hosted_backend {
  using saved_state = std::uint32_t;  // held before

  SIGSAFE_NO_UBSAN static saved_state disable() noexcept {
    auto& thread = detail::this_thread;
    const saved_state saved = thread.held.load();
    begin(thread, saved);
    return saved;
  }

  // A guard nearly always finds held as it left it, one above saved. The store then need not wait
  // for the load; any other order of release decrements (rule 8).
  SIGSAFE_NO_UBSAN static void restore(saved_state saved) noexcept {
    auto& thread = detail::this_thread;
    detail::handler_fence();  // the region's accesses stay before held
    if (thread.held.load() == saved + 1) [[likely]]
      thread.held.store(saved);
    else
      thread.held.decrement();
    dispatch_what_was_deferred(thread);
  }

  SIGSAFE_NO_UBSAN static void enter() noexcept {
    auto& thread = detail::this_thread;
    begin(thread, thread.held.load());
  }

  SIGSAFE_NO_UBSAN static void leave() noexcept {
    auto& thread = detail::this_thread;
    detail::handler_fence();  // the region's accesses stay before held
    thread.held.decrement();
    dispatch_what_was_deferred(thread);
  }

 private:
  SIGSAFE_NO_UBSAN static void begin(detail::thread_state& thread, std::uint32_t before) noexcept {
    thread.note_resumed();
    thread.held.store(before + 1);
    detail::handler_fence();  // the region's accesses stay behind held
  }

  // Rule 4. held is down before deferred is read: a signal before that store is seen by the read, a
  // signal after it runs its handlers itself.
  SIGSAFE_NO_UBSAN static void dispatch_what_was_deferred(detail::thread_state& thread) noexcept {
    detail::handler_fence();
    if (thread.has_deferred()) [[unlikely]]
      detail::dispatch_deferred();
  }
};
static_assert(counting_backend<lazy> && identifying_backend<lazy> && timed_backend<lazy>);

}  // namespace sigsafe::backend
