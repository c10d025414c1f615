#include <sigsafe/src/system/programs.hpp>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include <sigsafe/exit_status.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/spawn_options.hpp>
#include <sigsafe/src/errno_saver.hpp>
#include <sigsafe/src/system/system.hpp>

namespace sigsafe::detail::system {
namespace {

// What runs in the child of a vfork, which shares this process's memory and thread: it makes system
// calls and touches nothing else. A sanitizer would note what never returns, and its interceptors
// what is another process's.
#define SIGSAFE_IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))

constexpr int signals = 64;

// As the kernel has it, everywhere with the handler first.
struct kernel_action {
  std::uintptr_t handler;
  std::uintptr_t rest[7];
};

SIGSAFE_IN_CHILD bool contains(std::uint64_t bits, int signal) noexcept {
  return ((bits >> (signal - 1)) & 1) != 0;
}

SIGSAFE_IN_CHILD bool is_ignored(int signal) noexcept {
  kernel_action found;
  return syscall(SYS_rt_sigaction, signal, nullptr, &found, kernel_mask_size) == 0 &&
         found.handler == reinterpret_cast<std::uintptr_t>(SIG_IGN);
}

SIGSAFE_IN_CHILD void reset_all(std::uint64_t ignored, std::uint64_t keep) noexcept {
  for (int signal = 1; signal <= signals; ++signal) {
    const bool ignore = contains(ignored, signal) || (contains(keep, signal) && is_ignored(signal));
    const kernel_action wanted{reinterpret_cast<std::uintptr_t>(ignore ? SIG_IGN : SIG_DFL), {}};
    syscall(SYS_rt_sigaction, signal, &wanted, nullptr, kernel_mask_size);
  }
}

SIGSAFE_IN_CHILD void set_mask(std::uint64_t mask) noexcept {
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, nullptr, kernel_mask_size);
}

struct start_request {
  const program* wanted;
  std::uint64_t blocked, ignored, keep_ignored;
  pid_t parent;
  start_failure* failure;
};

[[noreturn]] SIGSAFE_IN_CHILD void give_up(const start_request& request, start_step step,
                                           int descriptor = 0,
                                           const char* path = nullptr) noexcept {
  request.failure->error = errno;
  request.failure->descriptor = descriptor;
  request.failure->path = path;
  request.failure->step = step;
  for (;;) syscall(SYS_exit_group, 127);
}

// A descriptor that is wanted under one number may be in the way under another: all of them go
// above the highest number first.
SIGSAFE_IN_CHILD void lift_descriptors(const start_request& request, std::size_t size) noexcept {
  const int above = size == 0 ? 0 : request.wanted->descriptors[size - 1].number + 1;
  for (std::size_t i = 0; i < size; ++i) {
    passed_descriptor& each = request.wanted->descriptors[i];
    const long fd =
        each.from.is_null_device()
            ? syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC)
            : syscall(SYS_fcntl, each.from.fd(), static_cast<long>(F_DUPFD_CLOEXEC), long{above});
    const long high = fd >= 0 && fd < above
                          ? syscall(SYS_fcntl, fd, static_cast<long>(F_DUPFD_CLOEXEC), long{above})
                          : fd;
    if (high < 0) give_up(request, start_step::descriptor, each.number);
    each.from = static_cast<int>(high);
  }
}

SIGSAFE_IN_CHILD void close_from_to(unsigned first, unsigned last) noexcept {
  if (first > last || syscall(SYS_close_range, first, last, 0) == 0) return;
  // Before Linux 5.9. A limit that was lowered below a descriptor leaves that open.
  struct {
    std::uint64_t now, most;
  } limit{};
  syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, nullptr, &limit);
  for (unsigned fd = first; fd <= last && fd < limit.now; ++fd) syscall(SYS_close, fd);
}

SIGSAFE_IN_CHILD void pass_descriptors(const start_request& request) noexcept {
  const std::size_t size = request.wanted->descriptors_size;
  lift_descriptors(request, size);
  unsigned first = STDERR_FILENO + 1;
  for (std::size_t i = 0; i < size; ++i) {
    const passed_descriptor& each = request.wanted->descriptors[i];
    if (syscall(SYS_dup3, each.from.fd(), each.number, 0) < 0)
      give_up(request, start_step::descriptor, each.number);
    const auto number = static_cast<unsigned>(each.number);
    if (request.wanted->inherits_descriptors || number < first) continue;
    close_from_to(first, number - 1);
    first = number + 1;
  }
  if (!request.wanted->inherits_descriptors) close_from_to(first, UINT_MAX);
}

// As execvp: what is missing, or may not be executed, is looked for further on.
[[noreturn]] SIGSAFE_IN_CHILD void execute(const start_request& request) noexcept {
  const program& wanted = *request.wanted;
  int refused = 0;
  const char* path = *wanted.paths;
  for (const char* const* each = wanted.paths; *each != nullptr; ++each) {
    syscall(SYS_execve, *each, wanted.arguments, wanted.environment);
    if (errno == EACCES && refused == 0) {
      refused = EACCES;
      path = *each;
    } else if (errno != EACCES && errno != ENOENT && errno != ENOTDIR) {
      give_up(request, start_step::execution, 0, *each);
    }
  }
  if (refused != 0) errno = refused;
  give_up(request, start_step::execution, 0, path);
}

// The parent may have ended before. Whose parent is in another PID namespace sees 0, and cannot
// know.
SIGSAFE_IN_CHILD void ask_for_parent_death(const start_request& request) noexcept {
  const long signal = request.wanted->parent_death_signal;
  if (signal == 0) return;
  if (syscall(SYS_prctl, PR_SET_PDEATHSIG, signal, 0L, 0L, 0L) != 0)
    give_up(request, start_step::parent_death);
  const long parent = syscall(SYS_getppid);
  if (parent != 0 && parent != request.parent) syscall(SYS_kill, syscall(SYS_getpid), signal);
}

SIGSAFE_IN_CHILD int run_in_child(void* argument) noexcept {
  const auto& request = *static_cast<const start_request*>(argument);
  const program& wanted = *request.wanted;
  reset_all(request.ignored, request.keep_ignored);
  ask_for_parent_death(request);
  if (wanted.begins_session && syscall(SYS_setsid) < 0) give_up(request, start_step::session);
  if (wanted.group >= 0 && !(wanted.begins_session && wanted.group == 0) &&
      syscall(SYS_setpgid, 0, wanted.group) != 0)
    give_up(request, start_step::group);
  pass_descriptors(request);
  if (wanted.directory != nullptr && syscall(SYS_chdir, wanted.directory) != 0)
    give_up(request, start_step::directory, 0, wanted.directory);
  set_mask(request.blocked);
  execute(request);
}

/// The stack of the child, with a page below that nobody can touch.
class child_stack {
 public:
  child_stack() noexcept
      : memory_(mmap(nullptr, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0)) {
    if (has_memory()) mprotect(memory_, guard_size, PROT_NONE);
  }
  child_stack(const child_stack&) = delete;
  child_stack& operator=(const child_stack&) = delete;
  ~child_stack() {
    const errno_saver saver;
    if (has_memory()) munmap(memory_, size);
  }

  [[nodiscard]] bool has_memory() const noexcept { return memory_ != MAP_FAILED; }
  [[nodiscard]] void* top() const noexcept { return static_cast<char*>(memory_) + size; }

 private:
  static constexpr std::size_t size = std::size_t{128} * 1024;
  static constexpr std::size_t guard_size =
      std::size_t{64} * 1024;  // the largest page of the processors
  void* memory_;
};

constexpr auto by_descriptor = static_cast<idtype_t>(3);  // P_PIDFD

int wait_for_id(idtype_t type, int id, siginfo_t& info, int options) noexcept {
  const errno_saver saver;
  info.si_pid = 0;
  while (syscall(SYS_waitid, type, id, &info, options, nullptr) != 0)
    if (errno != EINTR) return errno;
  return 0;
}

exit_status status_of(const siginfo_t& info) noexcept {
  if (info.si_code == CLD_EXITED) return exit_status::of_code(info.si_status);
  return exit_status::of_signal(info.si_status, info.si_code == CLD_DUMPED);
}

ended_process look(idtype_t type, int id, int options) noexcept {
  siginfo_t info;
  if (wait_for_id(type, id, info, options | WEXITED | WNOHANG) != 0)
    return {0, exit_status::of_unknown()};
  if (info.si_pid == 0) return {};
  return {info.si_pid, status_of(info)};
}

// By the name that sanitizers do not intercept: they take every clone for a fork.
#if SIGSAFE_GLIBC
extern "C" int __clone(int (*function)(void*), void* stack, int flags, void* argument, ...);
constexpr auto* clone_process = &__clone;
#else
constexpr auto* clone_process = &clone;
#endif

pid_t start_blocked(start_request& request, int& descriptor) noexcept {
  const child_stack stack;
  start_failure& failure = *request.failure;
  const int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
  const pid_t pid = stack.has_memory() ? clone_process(&run_in_child, stack.top(), flags, &request,
                                                       &descriptor, nullptr, nullptr)
                                       : -1;
  if (pid < 0) {
    failure.step = start_step::process;
    failure.error = errno;
    descriptor = -1;  // where a limit of the container refuses, it has been written and taken back
    return 0;
  }
  if (failure.step == start_step::none) return pid;
  siginfo_t info;
  wait_for_id(by_descriptor, descriptor, info, WEXITED);
  return 0;
}

}  // namespace

pid_t start(const program& wanted, int& descriptor, start_failure& failure) noexcept {
  const errno_saver saver;
  start_request request{&wanted,
                        (wanted.blocked & signal_set::all()).bits(),
                        wanted.ignored.bits(),
                        wanted.keep_ignored.bits(),
                        getpid(),
                        &failure};
  // No handler of this process may run in the child, and none that interrupts this must find the
  // memory that the child is still using.
  const std::uint64_t before = block_everything();
  const pid_t pid = start_blocked(request, descriptor);
  set_whole_mask(before);
  return pid;
}

bool has_process_descriptors() noexcept {
  siginfo_t info;
  return wait_for_id(by_descriptor, INT_MAX, info, WEXITED | WNOHANG) == EBADF;
}

ended_process end_of(int descriptor, bool take) noexcept {
  return look(by_descriptor, descriptor, take ? 0 : WNOWAIT);
}

ended_process any_end(bool take) noexcept { return look(P_ALL, 0, __WALL | (take ? 0 : WNOWAIT)); }

ended_process end_of_pid(pid_t pid) noexcept { return look(P_PID, pid, __WALL); }

void await_end_of(int descriptor) noexcept {
  siginfo_t info;
  wait_for_id(by_descriptor, descriptor, info, WEXITED | WNOWAIT);
}

int send_to_process(int descriptor, int signal) noexcept {
  const errno_saver saver;
  return syscall(SYS_pidfd_send_signal, descriptor, signal, nullptr, 0) == 0 ? 0 : errno;
}

void reset_dispositions(signal_set ignored, signal_set keep) noexcept {
  reset_all(ignored.bits(), keep.bits());
}

int become_subreaper() noexcept {
  const errno_saver saver;
  return prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L) == 0 ? 0 : errno;
}

// Programs to which core files are piped do not ask for RLIMIT_CORE.
void forgo_core_file() noexcept {
  const errno_saver saver;
  prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
}

std::uint64_t block_everything() noexcept {
  constexpr std::uint64_t all = ~std::uint64_t{0};
  std::uint64_t before = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, kernel_mask_size);
  return before;
}

void set_whole_mask(std::uint64_t mask) noexcept { set_mask(mask); }

}  // namespace sigsafe::detail::system
