// Backends that keep only some of their promises. The suites show with them that they can fail.
#pragma once

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <span>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/detail/location.hpp>
#include <sigsafe/detail/sleep.hpp>
#include <sigsafe/signal_set.hpp>

namespace test {

/// Changes the kernel's mask at every begin and puts the old one back at every end: right as long
/// as owners end in reverse order, as on flat hardware.
struct flat_backend {
  using state_type = sigsafe::signal_set;

  static state_type disable() noexcept {
    return change(SIG_BLOCK, sigsafe::signal_set::maskable());
  }
  static void restore(state_type outside) noexcept { change(SIG_SETMASK, outside); }
  static bool enabled() noexcept { return !sigsafe::signal_set::blocked().contains(SIGUSR1); }
  static void wait(state_type outside,
                   sigsafe::location where = sigsafe::location::current()) noexcept {
    sigsafe::detail::require_outermost(!outside.contains(SIGUSR1), where);
    const sigset_t open = outside.native();
    sigsuspend(&open);
  }

 protected:
  static state_type change(int how, sigsafe::signal_set signals) noexcept {
    const sigset_t wanted = signals.native();
    sigset_t before;
    pthread_sigmask(how, &wanted, &before);
    return sigsafe::signal_set{before};
  }
};
static_assert(sigsafe::interrupt_backend<flat_backend> && !sigsafe::counting_backend<flat_backend>);

/// Forgets to enable.
template <class B>
struct never_opens : B {
  static void restore(typename B::state_type) noexcept {}
  static void leave() noexcept {}
};

/// Enables at every end, and more than was enabled before.
struct opens_everything : flat_backend {
  static void restore(state_type) noexcept { change(SIG_UNBLOCK, sigsafe::signal_set::maskable()); }
};

/// Holds off faults too.
struct blocks_faults : flat_backend {
  static state_type disable() noexcept { return change(SIG_BLOCK, sigsafe::signal_set::all()); }
};

/// Changes errno at its end.
struct loses_errno : flat_backend {
  static void restore(state_type outside) noexcept {
    flat_backend::restore(outside);
    errno = EBADF;
  }
};

/// Enables, then sleeps: a signal between the two is slept over.
template <class B>
struct opens_then_sleeps : B {
  static void wait(typename B::state_type outside) noexcept {
    B::restore(outside);
    pause();
    static_cast<void>(B::disable());
  }
};

/// Comes back from wait with interrupts enabled.
struct stays_open_after_wait : flat_backend {
  static void wait(state_type outside) noexcept {
    flat_backend::wait(outside);
    restore(outside);
  }
};

/// A single ppoll: with a descriptor that is always ready no signal ever comes through.
struct starves : flat_backend {
  static int poll(state_type outside, std::span<pollfd> fds, sigsafe::location) noexcept {
    const sigset_t open = outside.native();
    return ::ppoll(fds.data(), fds.size(), nullptr, &open);
  }
};

}  // namespace test
