// A stack for the handlers of a thread that has used up its own.
#pragma once

#include <sigsafe/config.hpp>

#include <signal.h>

#include <cstddef>

#include <sigsafe/location.hpp>

namespace sigsafe {

namespace detail {

/// One that is in force on its thread, linked from the innermost out. In C a plain struct.
struct signal_stack {
  void* mapping;  // with the guard page, which lies below
  std::size_t mapped;
  void* base;
  std::size_t size;
  stack_t before;       // what the thread had
  signal_stack* outer;  // what the thread had, if that was one of these
  const void* thread;   // whose it is
  location made_at;
};

SIGSAFE_API void begin_stack(signal_stack& stack, std::size_t room, location where);
SIGSAFE_API void end_stack(signal_stack& stack) noexcept;

}  // namespace detail

/// Gives the calling thread an alternate stack for signal handlers while it lives. Without one a
/// stack overflow kills the process before any handler has run. Handlers run there that ask for it:
/// crash_handler, handlers with .alternate_stack, foreign ones with SA_ONSTACK.
///
///     std::thread worker{[] {
///       const sigsafe::alternate_stack stack;
///       …
///     }};
///
/// It is as large as the kernel's frame of a signal on this processor (AT_MINSIGSTKSZ: the
/// registers alone are more than the constant MINSIGSTKSZ) and has the room that is asked for.
/// Below it lies a page that nobody can touch: a handler that uses up the room crashes, and
/// overwrites nothing.
///
/// They nest, and are destroyed in any order. A stack that other code gave to the thread comes back
/// at the end. When other code has replaced this one since, that stays, and this one's memory is
/// kept, because that code may put it back. An alternate stack belongs to its thread: make it an
/// automatic or thread_local object there. A forked child has that of the thread that forked; the
/// memory of those of other threads remains in the child, as their stacks do. A child of vfork has
/// none.
/// Safety:   not async-signal-safe: it maps memory. Each thread has its own
/// Pre:      destruction: on the same thread, no handler runs on this stack; else it panics, unless
///           exit(3) destroys it: then the stack remains
/// Post:     destruction: the thread has the alternate stack, or none, that it had before
/// Errors:   std::system_error: ENOMEM when there is no memory for it, EPERM in a handler that runs
///           on an alternate stack; nothing has changed then
/// Cost:     three system calls, and two at the end; of the memory, what handlers have touched
/// Source:   POSIX.1-2024 sigaltstack
class [[nodiscard]] alternate_stack {
 public:
  /// Enough for what is async-signal-safe, several calls deep.
  static constexpr std::size_t default_room = 65536;

  explicit alternate_stack(std::size_t room = default_room, location where = location::current()) {
    detail::begin_stack(stack_, room, where);
  }
  alternate_stack(const alternate_stack&) = delete;
  alternate_stack& operator=(const alternate_stack&) = delete;
  ~alternate_stack() { detail::end_stack(stack_); }

  /// In bytes, without the page below; at least the room that was asked for.
  [[nodiscard]] std::size_t size() const noexcept { return stack_.size; }

 private:
  detail::signal_stack stack_;
};

}  // namespace sigsafe
