// A child process for everything that is global to a process: dispositions, panics, forks.
#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ostream>
#include <string>
#include <system_error>
#include <utility>

namespace test {

/// How a child ended and what it wrote to standard error.
struct child_end {
  int status;          ///< as of waitpid
  std::string errors;  ///< standard error
  bool hung;           ///< the watchdog had to kill it

  [[nodiscard]] bool succeeded() const {
    return !hung && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  [[nodiscard]] bool killed_by(int signal) const {
    return !hung && WIFSIGNALED(status) && WTERMSIG(status) == signal;
  }
  [[nodiscard]] bool panicked_with(const std::string& text) const {
    return killed_by(SIGABRT) && errors.find("sigsafe: ") != std::string::npos &&
           errors.find(text) != std::string::npos;
  }
};

inline std::ostream& operator<<(std::ostream& out, const child_end& end) {
  if (end.hung)
    out << "hung";
  else if (WIFEXITED(end.status))
    out << "exited with " << WEXITSTATUS(end.status);
  else
    out << "killed by signal " << WTERMSIG(end.status);
  return out << ", standard error: \"" << end.errors << "\"";
}

/// Forks, runs function in the child and waits for it, at most `seconds`. The child exits with 0
/// when function returns; CHILD_REQUIRE makes it exit with 1. Boost.Test's macros do not belong in
/// there.
template <class F>
child_end in_child(F&& function, int seconds = 30) {
  int errors[2];
  if (pipe(errors) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid == 0) {
    // Boost.Test and a parent under test leave masks and handlers; a child starts clean.
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    signal(SIGABRT, SIG_DFL);
    dup2(errors[1], STDERR_FILENO);
    close(errors[0]);
    close(errors[1]);
    std::forward<F>(function)();
    _exit(0);
  }
  close(errors[1]);
  child_end end{0, {}, false};
  const int process = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  pollfd watched{process, POLLIN, 0};
  // Standard error is read only when the child is gone: what tests write fits into a pipe.
  if (poll(&watched, 1, seconds * 1000) == 0) {
    end.hung = true;
    kill(pid, SIGKILL);
  }
  close(process);
  while (waitpid(pid, &end.status, 0) < 0 && errno == EINTR) {}
  char buffer[4096];
  pollfd readable{errors[0], POLLIN, 0};
  while (poll(&readable, 1, 0) == 1) {
    const ssize_t size = read(errors[0], buffer, sizeof(buffer));
    if (size <= 0) break;
    end.errors.append(buffer, static_cast<std::size_t>(size));
  }
  close(errors[0]);
  return end;
}

[[noreturn]] inline void fail_child(const char* file, int line, const char* text) {
  dprintf(STDERR_FILENO, "%s:%d: CHILD_REQUIRE(%s) does not hold\n", file, line, text);
  _exit(1);
}

/// How a child of such a child has ended, or stopped with WUNTRACED: its status, as of waitpid.
/// Handlers may run meanwhile.
inline int status_of(pid_t child, int options = 0) {
  int status = 0;
  pid_t changed;
  while ((changed = waitpid(child, &status, options)) < 0 && errno == EINTR) {}
  if (changed != child) fail_child(__FILE__, __LINE__, "changed == child");
  return status;
}

}  // namespace test

/// In a child, also in its handlers: async-signal-safe enough for a test that fails here anyway.
#define CHILD_REQUIRE(...) \
  ((__VA_ARGS__) ? void() : ::test::fail_child(__FILE__, __LINE__, #__VA_ARGS__))
