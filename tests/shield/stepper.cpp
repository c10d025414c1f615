// Sends a signal at every instruction of a function, each time to a new process; or one signal
// inside of it, and a second one at every instruction behind that, also where the shield defers and
// delivers the first.
//
//   shield_stepper FUNCTION STRIDE PROGRAM        at every STRIDE-th instruction
//   shield_stepper FUNCTION STRIDE PROGRAM FIRST  the first one at the instruction FIRST
//
// It fails when a run does; with --demand-violation in front it succeeds at the first one that
// does. Whether PROGRAM is shielded says the variable SHIELD_LIBRARY.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>
#include <vector>

namespace {

constexpr int patience = 2000;  // milliseconds

/// A process that stands before the call.
class traced {
 public:
  traced(const char* program, const char* function, int signals) {
    int output[2];
    if (pipe2(output, O_CLOEXEC) != 0) fail("pipe2");
    process_ = fork();
    if (process_ < 0) fail("fork");
    if (process_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(output[1], STDOUT_FILENO);
      ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
      if (const char* const library = std::getenv("SHIELD_LIBRARY"))
        setenv("LD_PRELOAD", library, 1);
      execl(program, program, function, std::to_string(signals).c_str(), nullptr);
      _exit(127);
    }
    close(output[1]);
    run_until_stopped_by(SIGSTOP);
    char text[32]{};
    if (read(output[0], text, sizeof(text) - 1) <= 0) fail("the program said nothing");
    close(output[0]);
    end_ = std::strtoull(text, nullptr, 10);
  }
  traced(const traced&) = delete;
  traced& operator=(const traced&) = delete;
  ~traced() {
    if (ended()) return;
    kill(process_, SIGKILL);
    waitpid(process_, &status_, __WALL);
  }

  [[nodiscard]] bool ended() const { return WIFEXITED(status_) || WIFSIGNALED(status_); }
  [[nodiscard]] bool is_at_end() const {
    user_regs_struct registers{};
    ptrace(PTRACE_GETREGS, process_, nullptr, &registers);
    return registers.rip == end_;
  }
  /// One instruction, or the way into a handler.
  void step() {
    ptrace(PTRACE_SINGLESTEP, process_, nullptr, forwarded_);
    wait();
    if (ended()) fail("the program ended inside of the function");
    forwarded_ = WSTOPSIG(status_) == SIGTRAP ? 0 : WSTOPSIG(status_);
  }
  void send(int signal) const { syscall(SYS_tgkill, process_, process_, signal); }

  /// Empty, or what went wrong.
  std::string run_to_end() {
    ptrace(PTRACE_DETACH, process_, nullptr, forwarded_);
    const int watched = static_cast<int>(syscall(SYS_pidfd_open, process_, 0));
    pollfd end{watched, POLLIN, 0};
    const bool hangs = poll(&end, 1, patience) == 0;
    close(watched);
    if (hangs) return "it hangs";
    wait();
    if (WIFSIGNALED(status_)) return "it died of signal " + std::to_string(WTERMSIG(status_));
    return WEXITSTATUS(status_) == 0 ? "" : "the handler ran inside, or not once";
  }

 private:
  [[noreturn]] static void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
  }
  void wait() {
    while (waitpid(process_, &status_, __WALL) != process_)
      if (errno != EINTR) fail("waitpid");
  }
  void run_until_stopped_by(int signal) {
    for (;;) {
      wait();
      if (ended()) fail("the program could not be started");
      if (WSTOPSIG(status_) == signal) return;
      ptrace(PTRACE_CONT, process_, nullptr, WSTOPSIG(status_) == SIGTRAP ? 0 : WSTOPSIG(status_));
    }
  }

  pid_t process_ = -1;
  int status_ = 0;
  int forwarded_ = 0;  // a signal that has stopped it on its way
  std::uint64_t end_ = 0;
};

struct job {
  const char* function;
  std::size_t stride;
  const char* program;
  bool has_first;
  std::size_t first;

  [[nodiscard]] int signals() const { return has_first ? 2 : 1; }
};

/// Where the signals that are tried begin: at the call, or behind the first one.
void go_to_begin(traced& process, const job& wanted) {
  if (!wanted.has_first) return;
  for (std::size_t i = 0; i < wanted.first; ++i) process.step();
  process.send(SIGUSR1);
}

std::size_t count_instructions(const job& wanted) {
  traced process{wanted.program, wanted.function, wanted.signals()};
  go_to_begin(process, wanted);
  std::size_t count = 0;
  for (; !process.is_at_end(); ++count) process.step();
  return count;
}

std::string try_at(std::size_t instruction, const job& wanted) {
  traced process{wanted.program, wanted.function, wanted.signals()};
  go_to_begin(process, wanted);
  for (std::size_t i = 0; i < instruction; ++i) process.step();
  process.send(wanted.has_first ? SIGUSR2 : SIGUSR1);
  return process.run_to_end();
}

}  // namespace

int main(int count, char** arguments) {
  const bool demand = count > 1 && std::strcmp(arguments[1], "--demand-violation") == 0;
  char** const words = arguments + (demand ? 2 : 1);
  const auto given = arguments + count - words;
  if (given != 3 && given != 4) {
    std::fprintf(stderr,
                 "usage: shield_stepper [--demand-violation] FUNCTION STRIDE PROGRAM [FIRST]\n");
    return 2;
  }
  const auto number = [](const char* text) { return std::strtoul(text, nullptr, 10); };
  const job wanted{words[0], number(words[1]), words[2], given == 4,
                   given == 4 ? number(words[3]) : 0};
  const std::size_t size = count_instructions(wanted);
  std::size_t runs = 0, wrong = 0;
  for (std::size_t i = 0; i < size && (!demand || wrong == 0); i += wanted.stride) {
    ++runs;
    const std::string what = try_at(i, wanted);
    if (what.empty()) continue;
    if (++wrong > 5) continue;
    std::printf("%s, instruction %zu: %s\n", wanted.function, i, what.c_str());
  }
  std::printf("%s: %zu instructions, %zu runs, %zu wrong\n", wanted.function, size, runs, wrong);
  return (wrong != 0) == demand ? 0 : 1;
}
