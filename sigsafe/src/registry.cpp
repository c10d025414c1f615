// Registering and unregistering handlers.
#include <sigsafe/detail/handler_node.hpp>

#include <signal.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include <sigsafe/handler_options.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/panic.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/pins.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/refusal.hpp>
#include <sigsafe/src/running.hpp>
#include <sigsafe/src/slots.hpp>
#include <sigsafe/src/stops.hpp>
#include <sigsafe/src/system/system.hpp>
#include <sigsafe/src/thread_end.hpp>
#include <sigsafe/src/wake_signal.hpp>

namespace sigsafe::detail {
namespace {

// Returns the signal with which it failed, and the error; nothing has changed then, but that
// signals may have come to the handler already.
int add_to_slots(handler_base& handler, slot_error& error) noexcept {
  const registration_lock registering;
  for (std::size_t i = 0; i < handler.of_signals.size(); ++i) {
    error = add_to_slot(handler.nodes[i]);
    if (error.number == 0) continue;
    handler.wanted.at_end = at_end::restore;
    retire(handler);
    return handler.nodes[i].signal_number;
  }
  return 0;
}

bool is_unpinned(const handler_base& handler) noexcept {
  for (std::size_t i = 0; i < handler.of_signals.size(); ++i)
    if (!is_unpinned(handler.nodes[i])) return false;
  return true;
}

// Returns false when the handler is still in its lists, because somebody is inside.
bool retire_and_remove(handler_base& handler) noexcept {
  const registration_lock registering;
  retire(handler);
  if (!is_unpinned(handler)) return false;
  remove_from_slots(handler);
  return true;
}

void wait_for_pins(handler_base& handler) noexcept {
  for (std::size_t i = 0; i < handler.of_signals.size(); ++i) wait_for_pins(handler.nodes[i]);
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

void watch_continues(handler_base& handler) {
  auto watcher = std::make_unique<handler_base>(
      signal_set{SIGCONT}, nullptr, handler_options{.restart = true}, handler.registered_at);
  register_handler(*watcher);
  handler.watcher = watcher.release();
}

// During exit another thread may still be inside: then it stays for that.
void end_watcher(handler_base& handler) noexcept {
  handler_base* const watcher = std::exchange(handler.watcher, nullptr);
  const bool exiting = is_destroyed_by_exit(*watcher, nullptr);
  unregister_handler(*watcher);
  if (!exiting) delete watcher;
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
  ensure_end_of_threads();
  keep_wake_signal();
  if (!(handler.of_signals & stops).empty()) watch_continues(handler);
  slot_error error;
  const int refused = add_to_slots(handler, error);
  if (error.number == 0) return;
  unregister_handler(handler);
  refuse(error.number, refused, error.why);
}

void reinstall_handler(const handler_base& handler) {
  slot_error error;
  int refused = 0;
  {
    const registration_lock registering;
    for (std::size_t i = 0; i < handler.of_signals.size() && error.number == 0; ++i) {
      const handler_node& node = handler.nodes[i];
      refused = node.signal_number;
      if (node.active.load(std::memory_order_relaxed)) error = reinstall(node);
    }
  }
  if (error.number != 0) refuse(error.number, refused, error.why);
}

void unregister_handler(handler_base& handler) noexcept {
  const running_handler* const frame = running_here(handler);
  if (frame != nullptr && !is_destroyed_by_exit(handler, frame))
    panic(
        "a handler was destroyed inside itself and would wait for its own return; let it return "
        "first: set a flag in it and destroy it outside. It was registered here",
        handler.registered_at);
  if (handler.watcher != nullptr) end_watcher(handler);
  if (retire_and_remove(handler)) return;
  const bool exiting = frame != nullptr || is_destroyed_by_exit(handler, nullptr);
  if (!exiting) wait_for_pins(handler);
  const registration_lock registering;
  remove_from_slots(handler);
  if (exiting) handler.nodes = &handler.single;  // those of a set stay for who is inside
}

}  // namespace sigsafe::detail
