// The functions that install handlers. sigaction is the only one that does it; the others are what
// they are in the C library, by way of it. sigignore, sighold and sigrelse install none, and are
// left alone.
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

#include <sigsafe/shield/library/call.hpp>
#include <sigsafe/shield/library/counts.hpp>
#include <sigsafe/shield/library/kernel.hpp>
#include <sigsafe/shield/library/settings.hpp>
#include <sigsafe/shield/library/sleep.hpp>
#include <sigsafe/shield/library/stubs.hpp>

namespace shield {

namespace {

bool is_function(const struct sigaction& action) noexcept {
  return action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN &&
         action.sa_handler != SIG_ERR;
}

void say_once_that_all_are_taken() noexcept {
  static uint32_t said = 0;  // riscv has no smaller atomics
  if (__atomic_exchange_n(&said, 1, __ATOMIC_RELAXED) == 0)
    say("this program has more than 256 handlers; those that it installs now run as without the "
        "shield");
}

// What the kernel gets.
struct sigaction with_stub(struct sigaction wanted) noexcept {
  if (!is_function(wanted) || stub_at(wanted.sa_sigaction) != no_stub) return wanted;
  const size_t stub =
      stub_for(wanted.sa_sigaction, (wanted.sa_flags & static_cast<int>(SA_SIGINFO)) != 0);
  if (stub == no_stub) {
    say_once_that_all_are_taken();
    count_unshielded_handler();
    return wanted;
  }
  name_handler(stub);
  wanted.sa_sigaction = address_of_stub(stub);
  wanted.sa_flags |= SA_SIGINFO;
  return wanted;
}

// Signals whose last handler was without SA_SIGINFO: the kernel keeps the flags when SA_RESETHAND
// has taken the handler away.
kernel::signal_bits without_info = 0;

void note_info(int signal, const struct sigaction& wanted) noexcept {
  if (signal < 1 || signal >= NSIG) return;
  if ((wanted.sa_flags & static_cast<int>(SA_SIGINFO)) != 0)
    __atomic_fetch_and(&without_info, ~kernel::bit_of(signal), __ATOMIC_RELAXED);
  else
    __atomic_fetch_or(&without_info, kernel::bit_of(signal), __ATOMIC_RELAXED);
}

// What the program gave.
void translate(int signal, struct sigaction& found) noexcept {
  if (is_sleep_handler(found)) {
    memset(&found, 0, sizeof(found));
    return;
  }
  const size_t stub = stub_at(found.sa_sigaction);
  const bool was_reset =
      found.sa_handler == SIG_DFL && (found.sa_flags & static_cast<int>(SA_RESETHAND)) != 0;
  if (stub != no_stub) found.sa_sigaction = handler_of(stub);
  if (stub != no_stub ? !takes_info(stub)
                      : was_reset && (__atomic_load_n(&without_info, __ATOMIC_RELAXED) &
                                      kernel::bit_of(signal)) != 0)
    found.sa_flags &= ~SA_SIGINFO;
}

int install(int signal, const struct sigaction* wanted, struct sigaction* before) noexcept {
  struct sigaction changed, asked;  // before and wanted may be one
  const struct sigaction* const given = wanted != nullptr ? &asked : nullptr;
  if (wanted != nullptr) {
    asked = *wanted;
    changed = with_stub(asked);
    if (signal == sleep_signal && keeps_sleep_signal()) {
      if (!is_function(asked)) return install(signal, nullptr, before);
      leave_sleep_signal_to_program();
    }
  }
  const int failed = next_sigaction.get()(signal, wanted != nullptr ? &changed : nullptr, before);
  if (failed != 0) return failed;
  if (before != nullptr) translate(signal, *before);
  if (given != nullptr) note_info(signal, *given);
  return 0;
}

bool is_signal(int signal) noexcept {
  if (signal >= 1 && signal < NSIG) return true;
  errno = EINVAL;
  return false;
}

sighandler_t install_function(int signal, sighandler_t handler, int flags, bool blocks_itself) {
  if (handler == SIG_ERR) {
    errno = EINVAL;
    return SIG_ERR;
  }
  if (!is_signal(signal)) return SIG_ERR;
  struct sigaction wanted, before;
  memset(&wanted, 0, sizeof(wanted));
  wanted.sa_handler = handler;
  wanted.sa_flags = flags;
  if (blocks_itself) sigaddset(&wanted.sa_mask, signal);
  return install(signal, &wanted, &before) == 0 ? before.sa_handler : SIG_ERR;
}

// siginterrupt: those for which signal() leaves SA_RESTART out.
kernel::signal_bits interrupting = 0;

bool interrupts(int signal) noexcept {
  return (__atomic_load_n(&interrupting, __ATOMIC_RELAXED) & kernel::bit_of(signal)) != 0;
}

}  // namespace
}  // namespace shield

using namespace shield;

extern "C" {

[[gnu::visibility("default")]] int sigaction(int signal, const struct sigaction* wanted,
                                             struct sigaction* before) noexcept {
  return install(signal, wanted, before);
}

[[gnu::visibility("default")]] int __sigaction(int signal, const struct sigaction* wanted,
                                               struct sigaction* before) noexcept {
  return install(signal, wanted, before);
}

[[gnu::visibility("default")]] sighandler_t signal(int number, sighandler_t handler) noexcept {
  const bool restarts = number < 1 || number >= NSIG || !interrupts(number);
  return install_function(number, handler, restarts ? SA_RESTART : 0, true);
}

[[gnu::visibility("default")]] sighandler_t bsd_signal(int number, sighandler_t handler) noexcept {
  return signal(number, handler);
}

[[gnu::visibility("default")]] sighandler_t ssignal(int number, sighandler_t handler) noexcept {
  return signal(number, handler);
}

[[gnu::visibility("default")]] sighandler_t sysv_signal(int number, sighandler_t handler) noexcept {
  return install_function(number, handler, static_cast<int>(SA_RESETHAND) | SA_NODEFER, false);
}

[[gnu::visibility("default")]] sighandler_t __sysv_signal(int number,
                                                          sighandler_t handler) noexcept {
  return sysv_signal(number, handler);
}

[[gnu::visibility("default")]] int siginterrupt(int number, int interrupt) noexcept {
  struct sigaction found;
  if (install(number, nullptr, &found) != 0) return -1;
  if (interrupt != 0) {
    __atomic_fetch_or(&interrupting, kernel::bit_of(number), __ATOMIC_RELAXED);
    found.sa_flags &= ~SA_RESTART;
  } else {
    __atomic_fetch_and(&interrupting, ~kernel::bit_of(number), __ATOMIC_RELAXED);
    found.sa_flags |= SA_RESTART;
  }
  return install(number, &found, nullptr);
}

[[gnu::visibility("default")]] sighandler_t sigset(int number, sighandler_t handler) noexcept {
  sigset_t one, before;
  sigemptyset(&one);
  if (sigaddset(&one, number) != 0) return SIG_ERR;
  if (handler == SIG_HOLD) {
    struct sigaction found;
    if (sigprocmask(SIG_BLOCK, &one, &before) != 0) return SIG_ERR;
    if (sigismember(&before, number) != 0) return SIG_HOLD;
    return install(number, nullptr, &found) == 0 ? found.sa_handler : SIG_ERR;
  }
  const sighandler_t old = install_function(number, handler, 0, false);
  if (old == SIG_ERR || sigprocmask(SIG_UNBLOCK, &one, &before) != 0) return SIG_ERR;
  return sigismember(&before, number) != 0 ? SIG_HOLD : old;
}

}  // extern "C"
