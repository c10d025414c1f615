// Counts the system calls of a piece of code, exactly, by tracing a child.
#pragma once

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>

namespace test {

/// Runs prepare and then operation in a child; returns how many system calls operation makes on
/// that thread. Signals that arrive are let through; their sigreturn counts.
template <class Prepare, class Operation>
long count_system_calls(Prepare&& prepare, Operation&& operation) {
  const pid_t pid = fork();
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid == 0) {
    auto prepared = prepare();
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(2);
    raise(SIGSTOP);
    syscall(SYS_getppid);  // the marks between which is counted
    operation(prepared);
    syscall(SYS_getppid);
    _exit(0);
  }
  long calls = 0;
  int marks = 0;
  bool entering = true;
  int status = 0;
  waitpid(pid, &status, 0);
  if (!WIFSTOPPED(status)) throw std::runtime_error("the traced child did not start");
  ptrace(PTRACE_SETOPTIONS, pid, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  long forwarded = 0;
  for (;;) {
    if (ptrace(PTRACE_SYSCALL, pid, nullptr, forwarded) != 0) break;
    forwarded = 0;
    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) break;
    if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
      forwarded = WSTOPSIG(status);
      continue;
    }
    if (entering) {
      struct __ptrace_syscall_info info{};
      ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info);
      if (info.entry.nr == SYS_getppid)
        ++marks;
      else if (marks == 1)
        ++calls;
    }
    entering = !entering;
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || marks != 2)
    throw std::runtime_error("the traced child did not reach its end");
  return calls;
}

/// As above, with nothing to prepare.
template <class Operation>
long count_system_calls(Operation&& operation) {
  return count_system_calls([] { return 0; }, [&](int) { operation(); });
}

}  // namespace test
