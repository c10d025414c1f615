// The handlers that run on this thread now.
#pragma once

#include <sigsafe/config.hpp>

#include <sigsafe/detail/handler_node.hpp>
#include <sigsafe/detail/relaxed.hpp>
#include <sigsafe/detail/thread_state.hpp>

namespace sigsafe::detail {

/// One frame of them, linked from the innermost out.
struct running_handler {
  running_handler* outer;
  const handler_node* node;  // null while a foreign handler is called by chaining
  int signal;                // negative while what stands beneath that is called
};

/// Puts a frame onto the thread's list while a handler runs.
class running_scope {
 public:
  running_scope(const handler_node* node, int signal) noexcept
      : frame_{current_thread().running.load(), node, signal} {
    current_thread().running.store(&frame_);
    handler_fence();
  }
  running_scope(const running_scope&) = delete;
  running_scope& operator=(const running_scope&) = delete;
  ~running_scope() {
    handler_fence();
    current_thread().running.store(frame_.outer);
  }

 private:
  running_handler frame_;
};

/// Rule 1: while user handlers run everything is blocked and eager is one higher, so an eager guard
/// in a handler makes no system call and unblocks nothing.
class eager_scope {
 public:
  eager_scope() noexcept {
    current_thread().eager.increment();
    handler_fence();
  }
  eager_scope(const eager_scope&) = delete;
  eager_scope& operator=(const eager_scope&) = delete;
  ~eager_scope() {
    handler_fence();
    current_thread().eager.decrement();
    handler_fence();
  }
};

/// The innermost frame of a handler on this thread, or null when it does not run here.
inline const running_handler* running_here(const handler_base& handler) noexcept {
  const running_handler* frame = current_thread().running.load();
  while (frame != nullptr && (frame->node == nullptr || frame->node->owner != &handler))
    frame = frame->outer;
  return frame;
}

/// How far down the innermost chain of this signal is.
enum class chaining { none, previous, beneath };
inline chaining chaining_here(int signal) noexcept {
  for (const running_handler* frame = current_thread().running.load(); frame != nullptr;
       frame = frame->outer) {
    if (frame->node != nullptr) continue;
    if (frame->signal == signal) return chaining::previous;
    if (frame->signal == -signal) return chaining::beneath;
  }
  return chaining::none;
}

}  // namespace sigsafe::detail
