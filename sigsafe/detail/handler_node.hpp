// What the table of handlers knows about one: the base of sigsafe::handler.
#pragma once

#include <sigsafe/config.hpp>

#include <cstddef>
#include <cstdint>

#include <sigsafe/detail/atomic.hpp>
#include <sigsafe/handler_options.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/signal_info.hpp>
#include <sigsafe/signal_set.hpp>

namespace sigsafe::detail {

struct handler_base;

/// A handler in the list of one signal.
struct handler_node {
  atomic<handler_node*> older{nullptr};
  handler_base* owner = nullptr;
  int signal_number = 0;
  std::uint32_t registered_in = 0;  // the generation of the process
  atomic<bool> active{false};       // signals reach it; it may be in the list and not active
  atomic<std::uint64_t> pins{0};    // the threads that are inside; see src/pins.hpp
};

struct handler_base {
  using invoke_function = void (*)(handler_base&, const signal_info&) noexcept;

  SIGSAFE_API handler_base(signal_set of, invoke_function function, handler_options options,
                           location where);
  handler_base(const handler_base&) = delete;
  handler_base& operator=(const handler_base&) = delete;
  SIGSAFE_API ~handler_base();

  invoke_function invoke;  // null for a watcher: signals come, and do what they did without it
  signal_set of_signals;
  handler_options wanted;
  location registered_at;
  atomic<std::uint32_t> called{0};  // 1: one that is to be called once has been
  handler_node single;              // the node when it is for one signal
  handler_node* nodes;              // a node for each of the signals, in ascending order
  handler_base* watcher = nullptr;  // of SIGCONT, while it is registered for a stop; src/stops.hpp
  bool reports_crashes = false;     // it is called for what other handlers have not dealt with
};

/// The signals that a handler is for.
/// Errors:   std::system_error when one of them cannot be handled, or when there is none
SIGSAFE_API signal_set catchable(int signal);
SIGSAFE_API signal_set catchable(signal_set signals);

/// Registers the handler for all of its signals: std::system_error when that fails; nothing has
/// changed then.
SIGSAFE_API void register_handler(handler_base& handler);

inline bool is_active(const handler_base& handler) noexcept {
  for (std::size_t i = 0; i < handler.of_signals.size(); ++i)
    if (handler.nodes[i].active.load(__ATOMIC_RELAXED)) return true;
  return false;
}

/// The kernel calls sigsafe for all signals of which the handler is active, and it is active.
SIGSAFE_API bool is_in_force(const handler_base& handler) noexcept;

/// Makes it so, for an active one: std::system_error when that fails.
SIGSAFE_API void reinstall_handler(const handler_base& handler);

/// Takes the handler out of the table and waits until no other thread is inside.
SIGSAFE_API void unregister_handler(handler_base& handler) noexcept;

}  // namespace sigsafe::detail
