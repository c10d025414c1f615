// Registering and unregistering handlers.
#include <sigsafe/detail/handler_node.hpp>

#include <cstddef>
#include <mutex>

#include <sigsafe/panic.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/pins.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/refusal.hpp>
#include <sigsafe/src/running.hpp>
#include <sigsafe/src/slots.hpp>

namespace sigsafe::detail {
namespace {

// The last first, as if there had been a handler for each signal.
void remove_from_slots(handler_base& handler, std::size_t size) noexcept {
  const std::lock_guard registering{page().registration};
  while (size > 0) remove_from_slot(handler.nodes[--size]);
}

void wait_for_all_pins(handler_base& handler, std::size_t size) noexcept {
  for (std::size_t i = 0; i < size; ++i) wait_for_pins(handler.nodes[i]);
}

// Returns how many nodes could be added; the error, if that is not all of them.
std::size_t add_to_slots(handler_base& handler, int& error) noexcept {
  const std::lock_guard registering{page().registration};
  const std::size_t size = handler.of_signals.size();
  std::size_t added = 0;
  while (added < size && (error = add_to_slot(handler.nodes[added])) == 0) ++added;
  return added;
}

}  // namespace

handler_base::handler_base(signal_set of, invoke_function function, handler_options options,
                           location where)
    : invoke(function),
      of_signals(of),
      wanted(options),
      registered_at(where),
      nodes(of.size() == 1 ? &single : new handler_node[of.size()]) {
  handler_node* node = nodes;
  for (int signal : of) {
    node->owner = this;
    node->signal_number = signal;
    ++node;
  }
}

handler_base::~handler_base() {
  if (nodes != &single) delete[] nodes;
}

void register_handler(handler_base& handler) {
  require_consistent(handler);
  ensure_page();
  int error = 0;
  const std::size_t added = add_to_slots(handler, error);
  if (error == 0) return;
  const int refused = handler.nodes[added].signal_number;
  remove_from_slots(handler, added);
  wait_for_all_pins(handler, added);
  refuse(error, refused, "sigaction failed");
}

void unregister_handler(handler_base& handler) noexcept {
  if (is_running_here(handler))
    panic(
        "a handler was destroyed inside itself and would wait for its own return; let it return "
        "first: set a flag in it and destroy it outside. It was registered here",
        handler.registered_at);
  const std::size_t size = handler.of_signals.size();
  remove_from_slots(handler, size);
  wait_for_all_pins(handler, size);
}

}  // namespace sigsafe::detail
