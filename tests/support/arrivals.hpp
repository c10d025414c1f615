// Signals that arrive, counted: through sigsafe's handlers and through foreign ones.
#pragma once

#include <semaphore.h>
#include <signal.h>

#include <atomic>
#include <cerrno>

#include <sigsafe/handler.hpp>

namespace test {

/// Handles a signal through sigsafe while it lives, and counts it.
class counter {
 public:
  explicit counter(int signal) : handler_{signal, increment{&runs_}} {}

  [[nodiscard]] int runs() const noexcept { return runs_.load(); }

 private:
  struct increment {
    std::atomic<int>* runs;
    void operator()() const noexcept { runs->fetch_add(1); }
  };

  std::atomic<int> runs_{0};
  sigsafe::handler<increment> handler_;
};

/// Handles a signal while it lives, without sigsafe. One at a time.
class foreign_handler {
 public:
  using function = void (*)(int);

  explicit foreign_handler(
      int signal, function called = [](int) { runs_.fetch_add(1); })
      : signal_(signal) {
    runs_ = 0;
    struct sigaction action{};
    action.sa_handler = called;
    sigaction(signal, &action, &before_);
  }
  foreign_handler(const foreign_handler&) = delete;
  foreign_handler& operator=(const foreign_handler&) = delete;
  ~foreign_handler() { sigaction(signal_, &before_, nullptr); }

  [[nodiscard]] static int runs() noexcept { return runs_.load(); }

 private:
  static inline std::atomic<int> runs_{0};
  int signal_;
  struct sigaction before_;
};

/// What one thread opens for another; open may be called by a handler.
class gate {
 public:
  gate() noexcept { sem_init(&semaphore_, 0, 0); }
  gate(const gate&) = delete;
  gate& operator=(const gate&) = delete;
  ~gate() { sem_destroy(&semaphore_); }

  void open() noexcept { sem_post(&semaphore_); }
  void pass() noexcept {
    while (sem_wait(&semaphore_) != 0 && errno == EINTR) {}
  }

 private:
  sem_t semaphore_;
};

}  // namespace test
