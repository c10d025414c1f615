// How long a program that has ended waits until it is started again.
#pragma once

#include <algorithm>
#include <chrono>

namespace supervisor {

/// Twice as long each time, up to a limit. A program that has run for longer than the limit is
/// taken to be well again.
class back_off {
 public:
  using duration = std::chrono::milliseconds;

  back_off(duration first, duration limit) : first_(std::min(first, limit)), limit_(limit) {}

  /// How long to wait now, after it has run for so long.
  template <class Duration>
  duration next(Duration ran) {
    if (ran > limit_) last_ = duration::zero();
    last_ = last_ == duration::zero() ? first_ : std::min(2 * last_, limit_);
    return last_;
  }

 private:
  duration first_;
  duration limit_;
  duration last_{};
};

}  // namespace supervisor
