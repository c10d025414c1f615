#include <sigsafe/signal_set.hpp>

#include <signal.h>

namespace sigsafe {

signal_set signal_set::blocked() noexcept {
  sigset_t now;
  pthread_sigmask(SIG_BLOCK, nullptr, &now);
  return signal_set{now} & all();
}

signal_set signal_set::pending() noexcept {
  sigset_t now;
  sigpending(&now);
  return signal_set{now};
}

}  // namespace sigsafe
