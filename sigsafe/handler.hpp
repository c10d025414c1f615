// Handlers with a lifetime.
#pragma once

#include <sigsafe/config.hpp>

#include <utility>

#include <sigsafe/detail/handler_node.hpp>
#include <sigsafe/handler_options.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/signal_info.hpp>
#include <sigsafe/signal_set.hpp>

namespace sigsafe {

/// What can be called with a signal_info, with the number of a signal, or without arguments.
template <class F>
concept info_callable = requires(F& function, const signal_info& info) { function(info); };
template <class F>
concept number_callable = requires(F& function, int signal) { function(signal); };
template <class F>
concept plainly_callable = requires(F& function) { function(); };

namespace detail {

template <class F>
consteval bool is_noexcept_function() {
  if constexpr (info_callable<F>)
    return noexcept(std::declval<F&>()(std::declval<const signal_info&>()));
  else if constexpr (number_callable<F>)
    return noexcept(std::declval<F&>()(0));
  else if constexpr (plainly_callable<F>)
    return noexcept(std::declval<F&>()());
  else
    return true;  // refused for what it takes
}

}  // namespace detail

/// Calls a function for every arrival of a signal while it lives. Any number of handlers may be
/// registered for one signal; they run newest first, with every maskable signal blocked; only those
/// with .deferrable = false interrupt one that a release runs. When the last one is destroyed the
/// previous disposition comes back (see handler_options::at_end), unless other code has since
/// replaced sigsafe's: then that stays.
///
///     sigsafe::handler on_hup{SIGHUP, [&](const sigsafe::signal_info& info) noexcept { … }};
///     sigsafe::handler on_stop{{SIGINT, SIGTERM}, [&](int signal) noexcept { … }};
///
/// Where the compiler cannot deduce the type of the function, as in a member of a class, name it:
/// handler<void (*)() noexcept>. The function takes a signal_info, an int or nothing; what it can
/// be called with is tried in this order. A handler for a set is registered for all of its signals,
/// or, with an error, for none. While the thread is held by a lazy guard, lock or borrow the call
/// waits for the last release; a fault (SIGSEGV, …) and SIGABRT never wait, nor does a handler with
/// .deferrable = false. When the handlers of a fault return without having repaired it, and the
/// same fault comes again and they still repair nothing, the default action is taken;
/// docs/explanation/handlers.md says what is the same, and what is seen of a repair.
/// Safety:   construction and destruction are thread-safe and not async-signal-safe: the destructor
///           waits for other threads. The function runs in a signal handler: it may call what is
///           async-signal-safe, and must not throw, must leave the mask as it found it and must not
///           longjmp out
/// Pre:      destruction: this handler is not running on the same thread, else it panics
/// Post:     destruction: no thread is inside the function, nor ever will be
/// Exit:     the function may call exit(3), also in several threads at once. A destructor that exit
///           runs does not wait for other threads and does not panic
/// Errors:   std::system_error for a number that is no signal, one that cannot be caught, one that
///           the C library keeps for itself, an empty set, and options that contradict each other
///           or the signal; its text says which, and nothing is installed then. std::bad_alloc for
///           a set
/// Cost:     the first of a signal: four system calls, others three; a call: 4 atomic operations
///           beside the signal
/// Source:   POSIX.1-2024 sigaction
template <class F>
class [[nodiscard]] handler : private detail::handler_base {
  static_assert(
      info_callable<F> || number_callable<F> || plainly_callable<F>,
      "sigsafe::handler: the function must be callable with (const sigsafe::signal_info&), "
      "with (int) or without arguments");
  static_assert(
      detail::is_noexcept_function<F>(),
      "sigsafe::handler: the function must be noexcept, because an exception cannot leave "
      "a signal handler: write [...](const sigsafe::signal_info&) noexcept { ... }");

 public:
  [[nodiscard]] handler(int signal, F function, handler_options options = {},
                        location where = location::current())
      : handler(detail::catchable(signal), options, where, function) {}
  [[nodiscard]] handler(signal_set signals, F function, handler_options options = {},
                        location where = location::current())
      : handler(detail::catchable(signals), options, where, function) {}
  handler(const handler&) = delete;
  handler& operator=(const handler&) = delete;
  ~handler() { detail::unregister_handler(*this); }

  /// The signal; of a set, the lowest.
  [[nodiscard]] int number() const noexcept { return *of_signals.begin(); }
  [[nodiscard]] signal_set signals() const noexcept { return of_signals; }

  /// Whether signals still come to the function: not after the call of one with `.once`, and not
  /// when `.respect_ignored` has found all of its signals ignored.
  /// Safety:   async-signal-safe, thread-safe
  [[nodiscard]] bool active() const noexcept { return detail::is_active(*this); }

  /// Whether the kernel calls sigsafe for the handler's signals: false when a library has replaced
  /// sigsafe's disposition of one of them, and when the handler is not active. The library may call
  /// what it has replaced, so the function may run nevertheless.
  /// Safety:   async-signal-safe, thread-safe
  /// Cost:     a system call for each signal
  [[nodiscard]] bool in_force() const noexcept { return detail::is_in_force(*this); }

  /// Takes the signals back when a library has replaced sigsafe's disposition. What the library has
  /// installed becomes what is chained to and what comes back at the end. Does nothing to a handler
  /// that is in force, or not active.
  /// Safety:   thread-safe, not async-signal-safe
  /// Post:     in_force() == active(), until somebody replaces it again
  /// Errors:   std::system_error, when the kernel refuses
  void reinstall() { detail::reinstall_handler(*this); }

 private:
  handler(signal_set checked, handler_options options, location where, F& function)
      : detail::handler_base(checked, &call, options, where), function_(std::move(function)) {
    detail::register_handler(*this);
  }

  static void call(detail::handler_base& base, const signal_info& info) noexcept {
    F& function = static_cast<handler&>(base).function_;
    if constexpr (info_callable<F>)
      function(info);
    else if constexpr (number_callable<F>)
      function(info.number());
    else
      function();
  }

  F function_;
};

}  // namespace sigsafe
