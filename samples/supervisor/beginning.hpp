// What the supervisor does about what it was started with.
#pragma once

#include <signal.h>

namespace supervisor {

/// A careless parent may have left signals blocked or ignored. Blocked, SIGCHLD would never wake
/// the loop, and programs would inherit it. Ignored, SIGTERM would stop nothing: a stop_signal
/// leaves ignored signals alone. That is right for SIGINT, which shells ignore for what runs in the
/// background.
inline void begin_clean() {
  sigset_t none;
  sigemptyset(&none);
  signal(SIGTERM, SIG_DFL);
  // Who reads the log may go. Programs do not inherit it: spawn gives them default actions.
  signal(SIGPIPE, SIG_IGN);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace supervisor
