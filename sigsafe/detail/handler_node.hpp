// What the table of handlers knows about one: the base of sigsafe::handler.
#pragma once

#include <sigsafe/config.hpp>

#include <atomic>
#include <cstdint>

#include <sigsafe/handler_options.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/signal_info.hpp>

namespace sigsafe::detail {

struct handler_node {
  using invoke_function = void (*)(handler_node&, const signal_info&) noexcept;

  handler_node(int signal, invoke_function function, handler_options options,
               location where) noexcept
      : invoke(function), signal_number(signal), wanted(options), registered_at(where) {}

  std::atomic<handler_node*> older{nullptr};
  invoke_function invoke;
  int signal_number;
  handler_options wanted;
  location registered_at;
  std::uint32_t registered_in = 0;     // the generation of the process
  std::uint64_t sequence = 0;          // grows with each registration
  std::atomic<std::uint64_t> pins{0};  // the threads that are inside; see src/pins.hpp
};

/// Registers the node: std::system_error when the signal cannot be handled; nothing has changed
/// then.
SIGSAFE_API void register_handler(handler_node& node);

/// Takes the node out of the table and waits until no other thread is inside.
SIGSAFE_API void unregister_handler(handler_node& node) noexcept;

}  // namespace sigsafe::detail
