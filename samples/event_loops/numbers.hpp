// What handlers leave for a loop.
#pragma once

#include <cstddef>
#include <vector>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/raw_lock.hpp>

namespace event_loops {

/// Two vectors that change places: handlers fill one, and the loop looks at the other in peace.
template <sigsafe::interrupt_backend B>
class numbers {
 public:
  explicit numbers(std::size_t most) {
    waiting_.get_mut().reserve(most);
    taken_.reserve(most);
  }

  /// In handlers. Returns false when there are as many as were reserved.
  bool put(int number) noexcept {
    const auto waiting = waiting_.lock();
    if (waiting->size() == waiting->capacity()) return false;
    waiting->push_back(number);  // there is room, so it does not allocate
    return true;
  }

  /// In the loop. Returns what has come, until the next call; signals are held off for the exchange
  /// only.
  const std::vector<int>& take() {
    taken_.clear();
    waiting_.lock()->swap(taken_);
    return taken_;
  }

 private:
  sigsafe::mutex<std::vector<int>, sigsafe::default_raw_lock, B> waiting_;
  std::vector<int> taken_;
};

}  // namespace event_loops
