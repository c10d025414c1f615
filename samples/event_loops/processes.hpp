// Processes that send signals to this one.
#pragma once

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <functional>
#include <system_error>

namespace event_loops {

[[noreturn]] inline void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// A number as the payload of a real-time signal. The queue of signals is the user's: when other
/// programs have filled it, nothing tells that there is room again.
inline void send(pid_t to, int number) {
  while (sigqueue(to, SIGRTMIN, {.sival_int = number}) != 0) {
    if (errno != EAGAIN) fail("sigqueue");
    sched_yield();
  }
}

/// A forked child that calls a function, and ends when this process does.
class child_process {
 public:
  explicit child_process(const std::function<void(pid_t parent)>& function) {
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ < 0) fail("fork");
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(EXIT_FAILURE);
    try {
      function(parent);
      _exit(EXIT_SUCCESS);
    } catch (...) {
      _exit(EXIT_FAILURE);
    }
  }
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;
  ~child_process() {
    if (pid_ == 0) return;
    kill(pid_, SIGKILL);
    wait();
  }

  /// Returns whether it ended well.
  bool wait() noexcept {
    int status = -1;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {}
    pid_ = 0;
    return status == 0;
  }

 private:
  pid_t pid_;
};

/// Another process, which sends 0, 1, 2, … and never has more than `window` on the way: the loop
/// says how many it has taken.
class sender {
 public:
  sender(int count, int window)
      : ends_(), process_((open(), [this, count, window](pid_t to) {
          close(ends_[1]);
          send_all(to, count, window);
        })) {
    close(ends_[0]);
  }
  sender(const sender&) = delete;
  sender& operator=(const sender&) = delete;
  ~sender() { close(ends_[1]); }

  void acknowledge(int taken) {
    if (write(ends_[1], &taken, sizeof taken) != sizeof taken) fail("write to the sender");
  }
  bool wait() noexcept { return process_.wait(); }

 private:
  void open() {
    if (pipe(ends_) != 0) fail("pipe");
  }

  void send_all(pid_t to, int count, int window) const {
    int acknowledged = 0;
    for (int sent = 0; acknowledged < count;) {
      for (; sent < count && sent - acknowledged < window; ++sent) send(to, sent);
      int taken = 0;
      if (read(ends_[0], &taken, sizeof taken) != sizeof taken) fail("read");
      acknowledged += taken;
    }
  }

  int ends_[2];
  child_process process_;
};

/// Another process that sends SIGCHLD as fast as it can, and a handler that is not sigsafe's.
class storm {
 public:
  storm()
      : process_((set_handler([](int) {}), [](pid_t to) {
          while (kill(to, SIGCHLD) == 0) {}
        })) {}
  storm(const storm&) = delete;
  storm& operator=(const storm&) = delete;
  ~storm() = default;

 private:
  static void set_handler(void (*handler)(int)) { signal(SIGCHLD, handler); }

  child_process process_;
};

}  // namespace event_loops
