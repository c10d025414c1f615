// The first process of a PID namespace, which signals from inside do not kill by default.
#pragma once

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <optional>

#include <tests/support/child.hpp>

namespace test {

/// Runs a function as the first process of a namespace; tells how that ended, or nothing where this
/// machine does not let us make one.
template <class F>
std::optional<child_end> in_first_process(F function, const char* what) {
  constexpr int not_allowed = 77;
  const child_end end = in_child([&] {
    if (unshare(CLONE_NEWPID) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0)
      _exit(not_allowed);
    const pid_t first = fork();
    if (first < 0) _exit(not_allowed);
    if (first == 0) {
      CHILD_REQUIRE(getpid() == 1);
      function();
      _exit(0);
    }
    const int status = status_of(first);
    if (WIFEXITED(status)) _exit(WEXITSTATUS(status));
    // As it did.
    signal(WTERMSIG(status), SIG_DFL);
    raise(WTERMSIG(status));
  });
  if (!WIFEXITED(end.status) || WEXITSTATUS(end.status) != not_allowed) return end;
  std::printf("SKIPPED: %s, as this machine lets us make no PID namespace\n", what);
  return std::nullopt;
}

}  // namespace test
