#include <sigsafe/src/disposition.hpp>

#include <signal.h>

#include <cstdint>

#include <sigsafe/signal_info.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/requeue.hpp>
#include <sigsafe/src/stops.hpp>
#include <sigsafe/src/undeferrable.hpp>

namespace sigsafe::detail {

disposition::disposition(const struct sigaction& action) noexcept {
  const bool with_info = (static_cast<unsigned>(action.sa_flags) & SA_SIGINFO) != 0;
  word_ = with_info ? reinterpret_cast<std::uintptr_t>(action.sa_sigaction)
                    : reinterpret_cast<std::uintptr_t>(action.sa_handler);
  if (with_info && !is_default() && !is_ignored()) word_ |= takes_info;
}

bool disposition::is_default() const noexcept {
  return word_ == reinterpret_cast<std::uintptr_t>(SIG_DFL);
}

bool disposition::is_ignored() const noexcept {
  return word_ == reinterpret_cast<std::uintptr_t>(SIG_IGN);
}

struct sigaction disposition::action(int flags, std::uint64_t mask) const noexcept {
  struct sigaction made{};
  made.sa_mask = signal_set::from_bits(mask).native();
  made.sa_flags = flags & ~SA_SIGINFO;
  const auto address = static_cast<std::uintptr_t>(word_ & ~takes_info);
  if ((word_ & takes_info) != 0) {
    made.sa_flags |= SA_SIGINFO;
    made.sa_sigaction = reinterpret_cast<trampoline_function>(address);
  } else {
    made.sa_handler = reinterpret_cast<void (*)(int)>(address);
  }
  return made;
}

// The kernel passes all three arguments to both kinds, but control flow integrity does not let a
// program do so.
void disposition::call(int signal, siginfo_t& info, void* context) const noexcept {
  const auto address = static_cast<std::uintptr_t>(word_ & ~takes_info);
  if ((word_ & takes_info) != 0)
    reinterpret_cast<trampoline_function>(address)(signal, &info, context);
  else
    reinterpret_cast<void (*)(int)>(address)(signal);
}

sigset_t trampoline_mask() noexcept {
  constexpr int cancellation = SIGSAFE_GLIBC ? 32 : 33;  // nobody else may name it
  const std::uint64_t bits =
      signal_set::maskable().bits() | (std::uint64_t{1} << (cancellation - 1));
  return signal_set::from_bits(bits).native();
}

// Whatever its flags are: signal() saves and restores handlers without them.
bool is_trampoline(const struct sigaction& action) noexcept {
  return action.sa_sigaction == trampoline;
}

namespace {

// The disposition is set to the default for a moment; the signal, with its siginfo, is queued again
// and unblocked.
void meet_default(const siginfo_t& info) noexcept {
  struct sigaction standard{};
  standard.sa_handler = SIG_DFL;
  struct sigaction found;
  sigaction(info.si_signo, &standard, &found);
  requeue_to_this_thread(info);
  const sigset_t only = signal_set{info.si_signo}.native();
  sigset_t before;
  pthread_sigmask(SIG_UNBLOCK, &only, &before);
  // Still here: the process was stopped and continued.
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  sigaction(info.si_signo, &found, nullptr);
}

}  // namespace

// A registration would take the default of this moment for what stood there before it; and so would
// another thread here. But a fault may have interrupted what holds the lock, and what is not
// deferrable a read section, for whose end the holder may wait; these kill in any case, but for
// stops.
void take_default_action(const siginfo_t& info, std::uint32_t continued) noexcept {
  constexpr signal_set ignored_by_default{SIGCHLD, SIGCONT, SIGURG, SIGWINCH};
  if (ignored_by_default.contains(info.si_signo) || is_over(info.si_signo, continued)) return;
  if (is_deferrable(info.si_signo) || stops.contains(info.si_signo)) {
    const registration_lock registering;
    meet_default(info);
  } else {
    meet_default(info);
  }
}

}  // namespace sigsafe::detail

namespace sigsafe {

void signal_info::take_default() const noexcept {
  detail::take_default_action(*native_, detail::continues());
}

}  // namespace sigsafe
