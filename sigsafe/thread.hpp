// Threads that take no signals, or only those that they are to receive. Not part of sigsafe.hpp,
// because <thread> is long.
#pragma once

#include <sigsafe/config.hpp>

#include <functional>
#include <stop_token>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>

#include <sigsafe/signal_set.hpp>

namespace sigsafe {

/// How a thread begins. Written by name: {.receives = {SIGCHLD}}.
struct thread_options {
  /// The signals that the thread does not block; all other maskable ones it does.
  signal_set receives{};
};

namespace detail {

/// Every maskable signal is blocked on this thread while it lives, so that a thread which begins
/// meanwhile is born so.
class birth_scope {
 public:
  SIGSAFE_API birth_scope() noexcept;
  birth_scope(const birth_scope&) = delete;
  birth_scope& operator=(const birth_scope&) = delete;
  SIGSAFE_API ~birth_scope();

 private:
  signal_set share_;
};

/// In the new thread, before anything else.
SIGSAFE_API void open_for(signal_set receives) noexcept;

[[noreturn]] SIGSAFE_API void throw_no_thread(int error);

/// What the new thread runs.
struct thread_entry {
  signal_set receives;

  template <class F, class... Args>
  void operator()(std::stop_token stop, F&& function, Args&&... arguments) const {
    open_for(receives);
    if constexpr (std::is_invocable_v<F, std::stop_token, Args...>)
      std::invoke(std::forward<F>(function), std::move(stop), std::forward<Args>(arguments)...);
    else
      std::invoke(std::forward<F>(function), std::forward<Args>(arguments)...);
  }
};

}  // namespace detail

/// A std::jthread that is born with every maskable signal blocked, whatever the thread that creates
/// it holds or blocks: no signal of the process comes to it, no system call of it is interrupted,
/// and no handler runs on it. `.receives` names those that it takes, which are open even when the
/// creator holds or blocks them.
///
///     sigsafe::thread worker{[&](std::stop_token stop) { … }};
///     sigsafe::thread reaper{{.receives = {SIGCHLD}}, [&] { … }};
///
/// Faults are never blocked. SIGABRT is blocked if the program has blocked it. A thread that it
/// creates by other means inherits its mask.
/// Safety:   as std::jthread: not async-signal-safe
/// Pre:      as std::jthread: the function can be called with the arguments, or with a stop_token
///           before them. An exception that leaves it terminates the program
/// Post:     the destructor, and an assignment, ask the thread to stop and join it
/// Errors:   std::system_error (EAGAIN) when there is no room for one more thread; nothing has
///           changed then
/// Cost:     as std::jthread, and three system calls
/// Source:   ISO C++20 [thread.jthread.class], POSIX.1-2024 pthread_create
class [[nodiscard]] thread {
 public:
  using id = std::jthread::id;
  using native_handle_type = std::jthread::native_handle_type;

  thread() noexcept = default;
  template <class F, class... Args>
    requires(!std::is_same_v<std::remove_cvref_t<F>, thread> &&
             !std::is_same_v<std::remove_cvref_t<F>, thread_options>)
  explicit thread(F&& function, Args&&... arguments)
      : thread(thread_options{}, std::forward<F>(function), std::forward<Args>(arguments)...) {}
  template <class F, class... Args>
  explicit thread(thread_options options, F&& function, Args&&... arguments)
      : thread_(start(options, std::forward<F>(function), std::forward<Args>(arguments)...)) {
    static_assert(std::is_invocable_v<std::decay_t<F>, std::decay_t<Args>...> ||
                      std::is_invocable_v<std::decay_t<F>, std::stop_token, std::decay_t<Args>...>,
                  "sigsafe::thread: the function must be callable with the arguments, or with a "
                  "std::stop_token before them");
  }

  [[nodiscard]] bool joinable() const noexcept { return thread_.joinable(); }
  void join() { thread_.join(); }
  void detach() { thread_.detach(); }
  [[nodiscard]] id get_id() const noexcept { return thread_.get_id(); }
  [[nodiscard]] native_handle_type native_handle() { return thread_.native_handle(); }
  [[nodiscard]] std::stop_source get_stop_source() noexcept { return thread_.get_stop_source(); }
  [[nodiscard]] std::stop_token get_stop_token() const noexcept { return thread_.get_stop_token(); }
  bool request_stop() noexcept { return thread_.request_stop(); }
  void swap(thread& other) noexcept { thread_.swap(other.thread_); }
  friend void swap(thread& a, thread& b) noexcept { a.swap(b); }

  [[nodiscard]] static unsigned hardware_concurrency() noexcept {
    return std::jthread::hardware_concurrency();
  }

 private:
  template <class F, class... Args>
  static std::jthread start(thread_options options, F&& function, Args&&... arguments) {
    const detail::birth_scope closed;
    try {
      return std::jthread{detail::thread_entry{options.receives}, std::forward<F>(function),
                          std::forward<Args>(arguments)...};
    } catch (const std::system_error& error) {
      if (error.code() != std::errc::resource_unavailable_try_again) throw;
      detail::throw_no_thread(error.code().value());
    }
  }

  std::jthread thread_;
};

}  // namespace sigsafe
