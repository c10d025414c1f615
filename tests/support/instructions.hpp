// The instructions of a piece of code, exactly, by stepping through a child.
#pragma once

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <system_error>

namespace test {

/// Runs prepare and then operation in a child; calls each(pid) before and behind each instruction
/// that operation executes on that thread, in handlers too. A system call is one instruction.
template <class Prepare, class Operation, class Each>
void step_through(Prepare&& prepare, Operation&& operation, Each&& each) {
  const pid_t pid = fork();
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid == 0) {
    auto prepared = prepare();
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(2);
    raise(SIGSTOP);  // the marks between which is counted
    operation(prepared);
    raise(SIGSTOP);
    _exit(0);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  if (!WIFSTOPPED(status)) throw std::runtime_error("the traced child did not start");
  ptrace(PTRACE_SETOPTIONS, pid, nullptr, PTRACE_O_EXITKILL);
  long forwarded = 0;
  while (ptrace(PTRACE_SINGLESTEP, pid, nullptr, forwarded) == 0 &&
         waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) && WSTOPSIG(status) != SIGSTOP) {
    const bool stepped = WSTOPSIG(status) == SIGTRAP;
    forwarded = stepped ? 0 : WSTOPSIG(status);
    if (stepped) each(pid);
  }
  const bool reached_the_end = WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP;
  kill(pid, SIGKILL);
  waitpid(pid, &status, 0);
  if (!reached_the_end) throw std::runtime_error("the traced child did not reach its end");
}

/// How many these are.
template <class Prepare, class Operation>
long count_instructions(Prepare&& prepare, Operation&& operation) {
  long instructions = 0;
  step_through(prepare, operation, [&](pid_t) { ++instructions; });
  return instructions;
}

/// Their addresses, in functions of libraries too.
template <class Operation>
std::set<std::uintptr_t> executed_instructions(Operation&& operation) {
  std::set<std::uintptr_t> found;
  step_through([] { return 0; }, [&](int) { operation(); },
               [&](pid_t pid) {
                 struct __ptrace_syscall_info at{};
                 ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(at), &at);
                 found.insert(static_cast<std::uintptr_t>(at.instruction_pointer));
               });
  return found;
}

}  // namespace test
