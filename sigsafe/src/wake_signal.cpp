#include <sigsafe/src/wake_signal.hpp>

#include <errno.h>
#include <signal.h>

#include <atomic>
#include <system_error>

#include <sigsafe/src/disposition.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/signal_fds.hpp>
#include <sigsafe/src/signal_text.hpp>

namespace sigsafe {

using detail::this_process;

namespace detail {
namespace {

struct sigaction action_of(int signal) noexcept {
  struct sigaction found;
  sigaction(signal, nullptr, &found);
  return found;
}

bool is_free(const struct sigaction& action) noexcept {
  return action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN;
}

// The trampoline knows it and does nothing. An inherited SIG_IGN is replaced: nobody can mean that.
// Without SA_RESTART: the read that guard.open calls is a sleep that it must end, too.
void install() noexcept {
  struct sigaction action{};
  action.sa_sigaction = trampoline;
  action.sa_mask = trampoline_mask();
  action.sa_flags = SA_SIGINFO;
  sigaction(wake_signal(), &action, nullptr);
}

bool is_installed() noexcept {
  return this_process.wake_signal_is_installed.load(std::memory_order_acquire);
}

}  // namespace

void ensure_wake_signal() {
  if (is_installed()) return;
  if (const auto found = action_of(wake_signal()); !is_free(found) && !is_trampoline(found))
    throw std::system_error(EBUSY, std::generic_category(),
                            "sigsafe: wait needs " + text_of_signal(wake_signal()) +
                                " to wake threads, and the program has a handler for it; choose "
                                "another with sigsafe::set_wake_signal");
  install();
  this_process.wake_signal_is_installed.store(true, std::memory_order_release);
}

void keep_wake_signal() noexcept {
  if (is_installed() && is_free(action_of(wake_signal()))) install();
}

}  // namespace detail

int wake_signal() noexcept {
  const int chosen = this_process.wake_signal.load(std::memory_order_relaxed);
  return chosen != 0 ? chosen : SIGRTMAX - 3;
}

void set_wake_signal(int signal) {
  if (signal < SIGRTMIN || signal > SIGRTMAX)
    throw std::system_error(
        EINVAL, std::generic_category(),
        "sigsafe: cannot wake threads with " + detail::text_of_signal(signal) +
            ": it must be a real-time signal that the program does not use, SIGRTMIN to SIGRTMAX");
  if (detail::is_installed())
    throw std::system_error(EBUSY, std::generic_category(),
                            "sigsafe: a thread has slept in wait or poll already; call "
                            "set_wake_signal at the start of the program");
  if (!detail::is_free(detail::action_of(signal)))
    throw std::system_error(EBUSY, std::generic_category(),
                            "sigsafe: cannot wake threads with " + detail::text_of_signal(signal) +
                                ": it has a handler; choose one that the program does not use");
  if (detail::readers_of(signal).load(std::memory_order_relaxed) != 0)
    throw std::system_error(EBUSY, std::generic_category(),
                            "sigsafe: cannot wake threads with " + detail::text_of_signal(signal) +
                                ": a signal_fd reads it; choose one that the program does not use");
  this_process.wake_signal.store(signal, std::memory_order_relaxed);
}

}  // namespace sigsafe
