// Registering and unregistering handlers.
#include <sigsafe/detail/handler_node.hpp>

#include <cstddef>
#include <functional>
#include <mutex>

#include <sigsafe/panic.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/pins.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/refusal.hpp>
#include <sigsafe/src/running.hpp>
#include <sigsafe/src/slots.hpp>
#include <sigsafe/src/system/system.hpp>

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

bool is_unpinned(const handler_base& handler) noexcept {
  for (std::size_t i = 0; i < handler.of_signals.size(); ++i)
    if (!is_unpinned(handler.nodes[i])) return false;
  return true;
}

// The destruction is a part of exit(3), which runs on this thread, and in the handler itself if
// there is a frame of it. Then those who are inside may never come out: they may have called exit
// too. Where the stack cannot be searched, nobody is accused.
bool is_destroyed_by_exit(const handler_base& handler, const running_handler* frame) noexcept {
  const system::exit_search exit = system::find_exit(frame);
  if (exit.frame == nullptr) return frame != nullptr && !exit.complete;
  // But not an automatic object of a function that exit has called.
  const std::less<const void*> before;
  return before(&handler, __builtin_frame_address(0)) || before(exit.frame, &handler);
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
  const running_handler* const frame = running_here(handler);
  if (frame != nullptr && !is_destroyed_by_exit(handler, frame))
    panic(
        "a handler was destroyed inside itself and would wait for its own return; let it return "
        "first: set a flag in it and destroy it outside. It was registered here",
        handler.registered_at);
  const std::size_t size = handler.of_signals.size();
  remove_from_slots(handler, size);
  if (is_unpinned(handler)) return;
  if (frame != nullptr || is_destroyed_by_exit(handler, nullptr))
    handler.nodes = &handler.single;  // the others stay for those who are inside
  else
    wait_for_all_pins(handler, size);
}

}  // namespace sigsafe::detail
