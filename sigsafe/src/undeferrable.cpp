#include <sigsafe/src/undeferrable.hpp>

#include <sigsafe/detail/handler_node.hpp>
#include <sigsafe/detail/protocol.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/panic.hpp>
#include <sigsafe/src/running.hpp>

namespace sigsafe::detail {

// The innermost handler only: nothing but a fault interrupts one that is not deferrable.
void require_may_lock(location where) noexcept {
  const running_handler* const frame = current_thread().running.load();
  if (frame == nullptr || frame->node == nullptr || !is_undeferrable(*frame->node)) return;
  panic(
      {"a handler with .deferrable = false locks a mutex, whose owner it may have interrupted; use "
       "atomics in it, or try_lock",
       where, "the handler was registered at", frame->node->owner->registered_at});
}

}  // namespace sigsafe::detail
