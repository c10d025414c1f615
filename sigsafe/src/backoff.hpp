// Waiting for a few instructions of another thread.
#pragma once

#include <sched.h>
#include <time.h>

#include <sigsafe/src/cancellation.hpp>

namespace sigsafe::detail {

/// The other thread may have been preempted, by this one too when it has a real-time priority: so
/// yield first, then sleep. No cancellation point.
class backoff {
 public:
  void pause() noexcept {
    constexpr timespec moment{0, 50'000};
    constexpr int yields = 100;
    if (pauses_++ < yields) {
      sched_yield();
      return;
    }
    const uncancellable_scope uncancellable;
    nanosleep(&moment, nullptr);
  }

 private:
  int pauses_ = 0;
};

}  // namespace sigsafe::detail
