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

/// Cancellation in the code that a trampoline has interrupted: as it was, until somebody disables
/// it. That need not be when no code of users runs: what the C library cancels with is blocked.
class interrupted_cancellation {
 public:
  void disable() noexcept {
    if (disabled_) return;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state_);
    disabled_ = true;
  }

  /// Puts the state back, if it was disabled. When the interrupted code can be cancelled at any
  /// instruction, as in a system call that blocks, and was cancelled meanwhile, the thread unwinds
  /// from here into that code, with its mask unless the context is null.
  /// Pre:      everything else has been put back
  void restore(const void* interrupted_context) const {
    if (!disabled_) return;
    struct on_unwinding {
      const void* context;
      bool returned = false;
      ~on_unwinding() {
        if (!returned && context != nullptr) set_mask_of(context);
      }
    } mask{interrupted_context};
    int type;
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
    pthread_setcancelstate(state_, nullptr);
    if (type == PTHREAD_CANCEL_ASYNCHRONOUS) {
      pthread_testcancel();
      pthread_setcanceltype(type, nullptr);
    }
    mask.returned = true;
  }

 private:
  int state_ = PTHREAD_CANCEL_ENABLE;
  bool disabled_ = false;
};

}  // namespace sigsafe::detail
