// Signals queue for a user, not for a process: another program of the same user can leave no room,
// and then timers cannot be made and real-time signals cannot be sent.
#pragma once

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace test {

/// How many signals can be queued now, at most `wanted`. A child finds out: they go with it.
inline int room_in_signal_queue(int wanted) noexcept {
  const pid_t child = fork();
  if (child < 0) return wanted;
  if (child == 0) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, nullptr);
    int queued = 0;
    while (queued < wanted && sigqueue(getpid(), SIGRTMIN, {}) == 0) ++queued;
    _exit(queued);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return wanted;
  return WEXITSTATUS(status);
}

/// Says so, in one line, when there is less room than any test here needs.
inline void note_a_full_signal_queue() noexcept {
  constexpr int needed = 100;  // an exit status has 8 bits
  const int room = room_in_signal_queue(needed);
  if (room == needed) return;
  rlimit limit{};
  getrlimit(RLIMIT_SIGPENDING, &limit);
  fprintf(
      stderr,
      "There is room for %d signals in the queue of user %u, and tests need %d: another program "
      "of this user has filled it (limit: %llu, ulimit -i). What fails here may fail for that "
      "reason.\n",
      room, static_cast<unsigned>(getuid()), needed,
      static_cast<unsigned long long>(limit.rlim_cur));
}

}  // namespace test
