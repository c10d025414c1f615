// A thread that is going to wait for something that this one holds.
#pragma once

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include <tests/support/arrivals.hpp>
#include <tests/support/sleeping.hpp>

namespace test {

/// Runs a function, which is given this object. It exists before anything is held, so that it
/// inherits no mask, and waits to be told to go.
class sleeper {
 public:
  template <class F>
  explicit sleeper(F function) : thread_{[this, function] { function(*this); }} {}
  sleeper(const sleeper&) = delete;
  sleeper& operator=(const sleeper&) = delete;
  ~sleeper() { thread_.join(); }

  /// On that thread: passes when it is told to go; the next sleep is the one that is awaited.
  void begins() {
    may_go_.pass();
    id_ = static_cast<pid_t>(syscall(SYS_gettid));
  }

  void go() { may_go_.open(); }
  void await_sleep() const {
    while (id_ == 0) sched_yield();
    test::await_sleep(id_, [] { return false; });
  }
  void go_to_sleep() {
    go();
    await_sleep();
  }
  [[nodiscard]] pid_t id() const { return id_; }
  void interrupt(int signal) { pthread_kill(thread_.native_handle(), signal); }

 private:
  gate may_go_;
  std::atomic<pid_t> id_{0};
  std::thread thread_;
};

}  // namespace test
