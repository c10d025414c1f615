// A signal to the calling thread, by the one system call that this takes.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

namespace benchmarked {

/// Pre:      the process has not forked since the first call
inline void send_to_self(int signal) noexcept {
  static const pid_t process = getpid();
  static const auto thread = static_cast<pid_t>(syscall(SYS_gettid));
  syscall(SYS_tgkill, process, thread, signal);
}

}  // namespace benchmarked
