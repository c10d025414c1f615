// A child process with a lifetime.
#pragma once

#include <sigsafe/config.hpp>

#include <sys/types.h>

#include <cstdint>
#include <type_traits>
#include <utility>

#include <sigsafe/detail/deadline.hpp>
#include <sigsafe/exit_status.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/panic.hpp>

namespace sigsafe {

namespace detail {

/// What on_exit keeps: the base of end_function.
struct end_function_base {
  void (*run)(end_function_base&, exit_status) noexcept;
  void (*destroy)(end_function_base&) noexcept;
  end_function_base* next = nullptr;
};

template <class F>
struct end_function : end_function_base {
  explicit end_function(F given)
      : end_function_base{
            [](end_function_base& base, exit_status end) noexcept {
              static_cast<end_function&>(base).function(end);
            },
            [](end_function_base& base) noexcept { delete &static_cast<end_function&>(base); }},
        function(std::move(given)) {}
  F function;
};

struct child_state;

SIGSAFE_API pid_t pid_of(const child_state& child) noexcept;
SIGSAFE_API int descriptor_of(const child_state& child) noexcept;
SIGSAFE_API bool send_to_child(const child_state& child, int signal) noexcept;
SIGSAFE_API exit_status look_for_end(child_state& child) noexcept;
/// At most so many nanoseconds, or for ever if they are negative.
SIGSAFE_API exit_status await_end(child_state& child, std::int64_t nanoseconds, location where);
SIGSAFE_API void call_at_end(child_state& child, end_function_base& function) noexcept;
SIGSAFE_API void detach_child(child_state& child) noexcept;
SIGSAFE_API void end_child(child_state& child) noexcept;

}  // namespace detail

/// A child process that spawn has started. It waits for this one only: it takes no status of other
/// children away. Its end is known by a pidfd, so neither a library that calls waitpid(-1) nor an
/// ignored SIGCHLD makes it hang: the status is `unknown` then.
///
/// Destroying a child that runs kills it (SIGKILL) and takes its status; detach lets it go on. One
/// that this process may not kill (it has changed its user, or a filter forbids
/// pidfd_send_signal) is let go. Ask politely before that:
///
///     worker.kill(SIGTERM);
///     if (!worker.wait_for(5s)) …                      // the destructor kills
///
/// In a forked child of this process, which is not the parent of its children, every status is
/// `unknown`, and the destructor only closes its copy of the descriptor.
/// Safety:   thread-safe as a standard container: several threads may call const functions, kill,
///           wait, wait_for, wait_until, try_wait and on_exit at once; not the destructor, detach
///           and assignment. Only kill, pid and fd are async-signal-safe. Only wait, wait_for and
///           wait_until are cancellation points
/// Cost:     a descriptor for each child, until it is destroyed
/// Source:   POSIX.1-2024 waitid; Linux pidfd_open(2)
class [[nodiscard]] child {
 public:
  /// No child. Only valid(), assignment and destruction are allowed then; others panic.
  child() noexcept = default;
  child(child&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  child& operator=(child&& other) noexcept {
    child old{std::exchange(state_, std::exchange(other.state_, nullptr))};
    return *this;
  }
  ~child() {
    if (state_ != nullptr) detail::end_child(*state_);
  }

  [[nodiscard]] bool valid() const noexcept { return state_ != nullptr; }

  /// Its number. When it has ended, and its status was taken, another process may get the number.
  [[nodiscard]] pid_t pid(location where = location::current()) const noexcept {
    return detail::pid_of(state(where));
  }

  /// A pidfd, which is readable when the child has ended: for poll, epoll, Boost.Asio. It lives as
  /// long as this object.
  [[nodiscard]] int fd(location where = location::current()) const noexcept {
    return detail::descriptor_of(state(where));
  }

  /// Sends a signal to this child, and never to another process that has got its number since.
  /// Returns false, with the reason in errno, when that fails: ESRCH when it has ended and its
  /// status was taken.
  /// Safety:   async-signal-safe, thread-safe
  /// Cost:     one system call
  /// Source:   Linux pidfd_send_signal(2)
  bool kill(int signal, location where = location::current()) const noexcept {
    return detail::send_to_child(state(where), signal);
  }

  /// Whether it has ended, and how. Does not wait, so it may be called in a guard.
  /// Safety:   thread-safe, not async-signal-safe: it takes a lock
  /// Cost:     one system call, none when the end is known
  exit_status try_wait(location where = location::current()) noexcept {
    return detail::look_for_end(state(where));
  }

  /// Sleeps until it has ended. Handlers run meanwhile, and do not end the sleep.
  /// Safety:   thread-safe, not async-signal-safe; a cancellation point
  /// Pre:      this thread holds nothing and runs no handler: a guard would hold signals off for as
  ///           long as the child runs. With a guard, sleep in guard.poll on fd()
  /// Errors:   panics when the precondition does not hold
  /// Cost:     three system calls
  exit_status wait(location where = location::current()) {
    return detail::await_end(state(where), -1, where);
  }

  /// As wait, for at most a duration of <chrono>. The status is empty when the time was up. It is
  /// late by the time for which this process is stopped (SIGSTOP) meanwhile, unless SIGCONT has a
  /// handler.
  template <detail::duration_like Duration>
  exit_status wait_for(const Duration& time, location where = location::current()) {
    return await_for(detail::to_nanoseconds(time), where);
  }

  /// As wait_for, until a time point. Its clock may be set meanwhile.
  template <detail::time_point_like Time>
  exit_status wait_until(const Time& time, location where = location::current()) {
    for (;;) {
      const std::int64_t left = detail::nanoseconds_until(time);
      const exit_status end = await_for(left, where);
      if (end || left == 0) return end;
    }
  }

  /// Calls a function with the status, once, when the end of the child becomes known: on the thread
  /// that finds it out, in wait, try_wait, reap_children or reap_all, after all locks; at once when
  /// it is known already. No handler and no thread of sigsafe calls it. A program with a loop calls
  /// reap_children in it, on SIGCHLD. Several functions are called in their order.
  /// Pre:      the function takes an exit_status and is noexcept
  /// Post:     after the destruction of this object, or an assignment to it, it neither runs (but
  ///           on this very thread, inside of it) nor is called any more: one that destroys the
  ///           child is the last
  /// Errors:   std::bad_alloc
  template <class F>
  void on_exit(F function, location where = location::current()) {
    static_assert(std::is_nothrow_invocable_v<F&, exit_status>,
                  "sigsafe::child::on_exit: the function must be noexcept and take an exit_status: "
                  "write [...](sigsafe::exit_status) noexcept { ... }");
    detail::child_state& here = state(where);
    detail::call_at_end(here, *new detail::end_function<F>(std::move(function)));
  }

  /// Lets the child run on. Its end is taken by a later spawn, reap_children or reap_all, so it
  /// does not stay a zombie; what on_exit has registered is called then.
  /// Post:     !valid()
  void detach(location where = location::current()) noexcept {
    detail::detach_child(state(where));
    state_ = nullptr;
  }

  friend void swap(child& a, child& b) noexcept { std::swap(a.state_, b.state_); }

  /// For sigsafe itself.
  explicit child(detail::child_state* state) noexcept : state_(state) {}
  [[nodiscard]] detail::child_state* release() noexcept { return std::exchange(state_, nullptr); }

 private:
  // A negative number would be for ever.
  exit_status await_for(std::int64_t nanoseconds, location where) {
    return detail::await_end(state(where), nanoseconds > 0 ? nanoseconds : 0, where);
  }

  [[nodiscard]] detail::child_state& state(location where) const noexcept {
    if (state_ == nullptr)
      panic("this sigsafe::child has no process: it was moved from, detached or made without one",
            where);
    return *state_;
  }

  detail::child_state* state_ = nullptr;
};

}  // namespace sigsafe
