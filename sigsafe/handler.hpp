// Handlers with a lifetime.
#pragma once

#include <sigsafe/config.hpp>

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

#include <sigsafe/detail/handler_node.hpp>
#include <sigsafe/handler_options.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/signal_info.hpp>

namespace sigsafe {

template <class F>
concept info_callable = std::invocable<F&, const signal_info&>;

/// Calls a function for every arrival of a signal while it lives. Any number of handlers may be
/// registered for one signal; they run newest first, with every maskable signal blocked. When the
/// last one is destroyed the previous disposition comes back, unless other code has since replaced
/// sigsafe's: then that stays.
///
///     sigsafe::handler on_hup{SIGHUP, [&](const sigsafe::signal_info& info) noexcept { … }};
///
/// While the thread is held by a lazy guard, lock or borrow the call waits for the last release; a
/// fault (SIGSEGV, …) and SIGABRT never wait.
/// Safety:   construction and destruction are thread-safe and not async-signal-safe: the destructor
///           waits for other threads. The function runs in a signal handler: it may call what is
///           async-signal-safe, and must not throw, must leave the mask as it found it and must not
///           longjmp out
/// Pre:      destruction: this handler is not running on the same thread, else it panics
/// Post:     destruction: no thread is inside the function, nor ever will be
/// Errors:   std::system_error for a number that is no signal, one that cannot be caught, or one
///           that the C library keeps for itself; nothing is installed then
/// Cost:     the first of a signal: two system calls; a call: 4 atomic operations beside the signal
/// Source:   POSIX.1-2024 sigaction
template <class F>
class [[nodiscard]] handler : private detail::handler_node {
  static_assert(
      info_callable<F> || std::invocable<F&>,
      "sigsafe::handler: the function must be callable with (const sigsafe::signal_info&) "
      "or without arguments");
  static_assert(
      std::is_nothrow_invocable_v<F&, const signal_info&> || std::is_nothrow_invocable_v<F&>,
      "sigsafe::handler: the function must be noexcept, because an exception cannot leave "
      "a signal handler: write [...](const sigsafe::signal_info&) noexcept { ... }");

 public:
  [[nodiscard]] handler(int signal, F function, handler_options options = {},
                        location where = location::current())
      : detail::handler_node(signal, &call, options, where), function_(std::move(function)) {
    detail::register_handler(*this);
  }
  handler(const handler&) = delete;
  handler& operator=(const handler&) = delete;
  ~handler() { detail::unregister_handler(*this); }

  [[nodiscard]] int number() const noexcept { return signal_number; }

 private:
  static void call(detail::handler_node& node, const signal_info& info) noexcept {
    F& function = static_cast<handler&>(node).function_;
    if constexpr (info_callable<F>)
      std::invoke(function, info);
    else
      std::invoke(function);
  }

  F function_;
};

}  // namespace sigsafe
