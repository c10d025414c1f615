// Handlers are not cancelled: an exception that unwinds through one would leave holds, pins and
// masks behind. A cancellation that comes meanwhile acts when all that has been put back.
#pragma once

#include <pthread.h>

#include <sigsafe/src/mask.hpp>

namespace sigsafe::detail {

/// Cancellation is disabled while it lives.
class uncancellable_scope {
 public:
  uncancellable_scope() noexcept { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state_); }
  uncancellable_scope(const uncancellable_scope&) = delete;
  uncancellable_scope& operator=(const uncancellable_scope&) = delete;
  // By way of the deferred type: enabling it under the asynchronous one would unwind from here.
  ~uncancellable_scope() {
    int type;
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
    pthread_setcancelstate(state_, nullptr);
    if (type != PTHREAD_CANCEL_DEFERRED) pthread_setcanceltype(type, nullptr);
  }

 private:
  int state_;
};

/// Disables cancellation; what was, for enable_cancellation.
inline int disable_cancellation() noexcept {
  int state;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
  return state;
}

/// Puts the state back. When the interrupted code can be cancelled at any instruction, as in a
/// system call that blocks, and was cancelled meanwhile, the thread unwinds from here into that
/// code, with its mask unless the context is null.
/// Pre:      everything else has been put back
inline void enable_cancellation(int state, const void* interrupted_context) {
  struct on_unwinding {
    const void* context;
    bool returned = false;
    ~on_unwinding() {
      if (!returned && context != nullptr) set_mask_of(context);
    }
  } mask{interrupted_context};
  int type;
  pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
  pthread_setcancelstate(state, nullptr);
  if (type == PTHREAD_CANCEL_ASYNCHRONOUS) pthread_testcancel();
  pthread_setcanceltype(type, nullptr);
  mask.returned = true;
}

}  // namespace sigsafe::detail
