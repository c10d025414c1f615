// How the supervisor itself ends: as something else has.
#pragma once

#include <signal.h>
#include <sys/resource.h>

#include <sigsafe/exit_status.hpp>

namespace supervisor {

/// For main to return. By a signal the process ends here, so that its parent sees that signal; but
/// PID 1, which no signal kills, returns what shells make of it.
inline int end_as(sigsafe::exit_status end) {
  if (end.exited()) return end.code();
  if (!end.signalled()) return 1;
  // The core file, if any, is that of the program.
  constexpr rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  signal(end.signal(), SIG_DFL);
  raise(end.signal());
  return 128 + end.signal();
}

}  // namespace supervisor
