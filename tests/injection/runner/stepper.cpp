#include <tests/injection/runner/stepper.hpp>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>

#include <fmt/format.h>

#include <sigsafe/detail/signal_name.hpp>

namespace injection {

namespace {

/// A traced process that stands at the beginning of the operation. x86 only, as the runner itself.
class traced {
 public:
  traced(const program& tested, std::uint64_t begin, const std::vector<std::string>& arguments) {
    process_ = fork();
    if (process_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (process_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
      execute(tested, arguments);
    }
    wait();
    ptrace(PTRACE_SETOPTIONS, process_, nullptr, PTRACE_O_EXITKILL);
    run_to(begin);
    if (ended()) throw std::runtime_error("the traced program ended before its operation began");
  }
  traced(const traced&) = delete;
  traced& operator=(const traced&) = delete;
  ~traced() {
    if (ended()) return;
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, __WALL);
  }

  [[nodiscard]] bool ended() const noexcept { return !WIFSTOPPED(status_); }
  [[nodiscard]] int status() const noexcept { return status_; }
  [[nodiscard]] std::uint64_t ip() const {
    user_regs_struct registers{};
    ptrace(PTRACE_GETREGS, process_, nullptr, &registers);
    return registers.rip;
  }

  /// One instruction; a fault counts as one. False when a signal came before it instead, and its
  /// handler is now the next place.
  bool step() { return !resume(PTRACE_SINGLESTEP); }
  /// To the next time that it comes there, if it does.
  void run_to(std::uint64_t where) {
    const long original = ptrace(PTRACE_PEEKTEXT, process_, where, nullptr);
    ptrace(PTRACE_POKETEXT, process_, where, (original & ~0xffL) | 0xcc);
    resume(PTRACE_CONT);
    if (ended()) return;
    ptrace(PTRACE_POKETEXT, process_, where, original);
    user_regs_struct registers;
    ptrace(PTRACE_GETREGS, process_, nullptr, &registers);
    registers.rip = where;
    ptrace(PTRACE_SETREGS, process_, nullptr, &registers);
  }
  void send(int signal) const { syscall(SYS_tgkill, process_, process_, signal); }
  void run_to_end() {
    while (!ended()) resume(PTRACE_CONT);
  }

 private:
  /// Passes signals on; returns whether a handler came for one that was no fault.
  bool resume(__ptrace_request how) {
    int forwarded = 0;
    bool handled = false;
    do {
      ptrace(how, process_, nullptr, forwarded);
      wait();
      forwarded = ended() || WSTOPSIG(status_) == SIGTRAP ? 0 : WSTOPSIG(status_);
      siginfo_t info{};
      if (forwarded != 0) ptrace(PTRACE_GETSIGINFO, process_, nullptr, &info);
      handled = handled || (forwarded != 0 && info.si_code <= 0 && catches(forwarded));
    } while (forwarded != 0);
    return handled;
  }
  /// Has it a handler for the signal? It may stop here for one that it ignores.
  [[nodiscard]] bool catches(int signal) const {
    std::ifstream status{fmt::format("/proc/{}/status", process_)};
    for (std::string line; std::getline(status, line);)
      if (line.rfind("SigCgt:", 0) == 0)
        return ((std::stoull(line.substr(7), nullptr, 16) >> (signal - 1)) & 1) != 0;
    throw std::runtime_error("/proc does not say which signals the traced program catches");
  }
  void wait() {
    if (waitpid(process_, &status_, __WALL) != process_)
      throw std::system_error(errno, std::generic_category(), "waitpid");
  }

  pid_t process_;
  int status_ = 0;
};

/// The last index up to this one whose instruction comes there for the first time.
std::size_t last_new(const std::vector<std::uint64_t>& steps, std::size_t index) {
  const auto is_new = [&](std::size_t i) {
    const auto end = steps.begin() + static_cast<std::ptrdiff_t>(i);
    return std::find(steps.begin(), end, steps[i]) == end;
  };
  while (!is_new(index)) --index;
  return index;
}

}  // namespace

std::vector<std::uint64_t> step_through(const program& tested, const program_list& list,
                                        const subject_entry& subject, std::size_t most) {
  traced process{tested, list.begin, {"once", subject.name}};
  std::vector<std::uint64_t> steps;
  for (;;) {
    const std::uint64_t ip = process.ip();
    if (process.ended() || ip == list.end) return steps;
    steps.push_back(ip);
    if (steps.size() == most) return steps;
    if (!process.step()) steps.pop_back();
  }
}

std::string step_and_send(const program& tested, const program_list& list,
                          const subject_entry& subject, const std::vector<std::uint64_t>& steps,
                          std::size_t index, int signal, const std::string& variant) {
  traced process{tested, list.begin, {"once", subject.name, variant}};
  std::size_t i = last_new(steps, index);
  if (i != 0) process.run_to(steps[i]);
  while (i < index && !process.ended())
    if (process.step()) ++i;
  if (process.ended()) return "the stepped program ended before it came to the instruction";
  process.send(signal);
  process.run_to_end();
  if (WIFSIGNALED(process.status()))
    return fmt::format("the stepped program was killed by {}",
                       sigsafe::detail::signal_name(WTERMSIG(process.status())));
  if (WEXITSTATUS(process.status()) != 0) return "the stepped program's check failed";
  return {};
}

}  // namespace injection
