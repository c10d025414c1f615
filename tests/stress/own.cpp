// The suite around a lock and a backend of one's own. It is the whole program.
#include <sched.h>

#include <atomic>

#include <sigsafe/backend/lazy.hpp>

#include <tests/stress/suite.hpp>

namespace {

/// A lock under test.
class yielding_lock {
 public:
  void lock() noexcept {
    while (!try_lock()) sched_yield();
  }
  [[nodiscard]] bool try_lock() noexcept {
    return !held_.exchange(true, std::memory_order_acquire);
  }
  void unlock() noexcept { held_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> held_{false};
};

}  // namespace

int main(int argc, char** argv) {
  stress::suite all;
  all.add<stress::kit<sigsafe::backend::lazy, yielding_lock>>("yielding_lock");
  return all.run(argc, argv);
}
