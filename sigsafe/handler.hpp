// Handlers with a lifetime.
#pragma once

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

#include <sigsafe/detail/registry.hpp>
#include <sigsafe/handler_options.hpp>
#include <sigsafe/signal_info.hpp>

namespace sigsafe {

template <class F>
concept info_callable = std::invocable<F&, const signal_info&>;

/// Calls a function for every arrival of a signal while it lives. Any number of handlers may stand
/// on one signal; they run newest first, with every maskable signal blocked. The last one to end
/// puts the previous disposition back, unless somebody has replaced sigsafe's meanwhile: then that
/// stays.
///
///     sigsafe::handler on_hup{SIGHUP, [&](const sigsafe::signal_info& info) noexcept { … }};
///
/// While a lazy owner lives on the thread the call waits for its end; a fault (SIGSEGV, …) and
/// SIGABRT never wait.
/// Safety:   beginning and ending are thread-safe and not async-signal-safe: an end waits for other
///           threads. The function runs in a signal handler: it may call what is async-signal-safe,
///           and must not throw, must leave the mask as it found it and must not longjmp out
/// Pre:      the end: this handler is not running on the same thread, else it panics
/// Post:     the end: no thread is inside the function, nor ever will be
/// Errors:   std::system_error for a number that is no signal, one that cannot be caught, or one that
///           the C library keeps for itself; nothing is installed then
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
    detail::attach(*this);
  }
  handler(const handler&) = delete;
  handler& operator=(const handler&) = delete;
  ~handler() { detail::detach(*this); }

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
