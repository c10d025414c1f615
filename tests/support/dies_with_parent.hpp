// Every forked child, and every child of these, is killed when the thread that forked it is gone.
// So a test that is killed, or gives up on a child that hangs, leaves nothing behind.
#pragma once

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

namespace test {

/// Makes it so, from now on, for fork in this process and its children; not for _Fork and clone.
inline void let_children_die_with_us() noexcept {
  static thread_local pid_t forking;
  pthread_atfork([] { forking = getpid(); }, nullptr,
                 [] {
                   prctl(PR_SET_PDEATHSIG, SIGKILL);
                   if (getppid() != forking) raise(SIGKILL);  // it was gone before that
                 });
}

}  // namespace test
