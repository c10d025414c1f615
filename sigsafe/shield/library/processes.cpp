// Tier 1: fork, which takes the locks of the allocator, and calls the functions of pthread_atfork;
// and what forks inside of the C library. _Fork and vfork take no locks.
#include <pty.h>
#include <sys/types.h>
#include <unistd.h>

#include <sigsafe/shield/library/next_function.hpp>
#include <sigsafe/shield/library/region.hpp>

namespace shield {
namespace {

const next_function<pid_t()> next_fork{"fork"};
const next_function<int(int, int)> next_daemon{"daemon"};
const next_function<pid_t(int*, char*, const termios*, const winsize*)> next_forkpty{"forkpty"};

}  // namespace
}  // namespace shield

using namespace shield;

#pragma GCC visibility push(default)
extern "C" {

pid_t fork() noexcept {
  enter_region(sigsafe_shield_fork);
  const pid_t child = next_fork();
  leave_region(sigsafe_shield_fork);
  return child;
}

pid_t __fork() noexcept { return fork(); }

int daemon(int keep_folder, int keep_output) noexcept {
  enter_region(sigsafe_shield_fork);
  const int failed = next_daemon(keep_folder, keep_output);
  leave_region(sigsafe_shield_fork);
  return failed;
}

pid_t forkpty(int* terminal, char* name, const termios* settings, const winsize* size) noexcept {
  enter_region(sigsafe_shield_fork);
  const pid_t child = next_forkpty(terminal, name, settings, size);
  leave_region(sigsafe_shield_fork);
  return child;
}

}  // extern "C"
#pragma GCC visibility pop
