// Backends that keep only some of their promises. The suites show with them that they can fail.
#pragma once

#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <span>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/detail/hosted_backend.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/wake.hpp>

namespace test {

/// Changes the kernel's mask with every hold and puts the old one back with every release: right as
/// long as holds are released in the reverse order, as on flat hardware.
struct flat_backend {
  using saved_state = sigsafe::signal_set;

  static saved_state disable() noexcept {
    return change(SIG_BLOCK, sigsafe::signal_set::maskable());
  }
  static void restore(saved_state saved) noexcept { change(SIG_SETMASK, saved); }
  static bool enabled() noexcept { return !sigsafe::signal_set::blocked().contains(SIGUSR1); }
  static void wait(saved_state saved,
                   sigsafe::location where = sigsafe::location::current()) noexcept {
    sigsafe::require_outermost(!saved.contains(SIGUSR1), where);
    const sigset_t open = saved.native();
    sigsuspend(&open);
  }

 protected:
  static saved_state change(int how, sigsafe::signal_set signals) noexcept {
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
  static void restore(typename B::saved_state) noexcept {}
  static void leave() noexcept {}
};

/// Enables with every release, and more than was enabled before.
struct opens_everything : flat_backend {
  static void restore(saved_state) noexcept {
    change(SIG_UNBLOCK, sigsafe::signal_set::maskable());
  }
};

/// Holds off faults too.
struct blocks_faults : flat_backend {
  static saved_state disable() noexcept { return change(SIG_BLOCK, sigsafe::signal_set::all()); }
};

/// Changes errno with its release.
struct loses_errno : flat_backend {
  static void restore(saved_state saved) noexcept {
    flat_backend::restore(saved);
    errno = EBADF;
  }
};

/// Enables, then sleeps: a signal between the two is slept over.
template <class B>
struct opens_then_sleeps : B {
  static void wait(typename B::saved_state saved) noexcept {
    B::restore(saved);
    pause();
    static_cast<void>(B::disable());
  }
};

/// Comes back from wait with interrupts enabled.
struct stays_open_after_wait : flat_backend {
  static void wait(saved_state saved) noexcept {
    flat_backend::wait(saved);
    restore(saved);
  }
};

/// A single ppoll: with a descriptor that is always ready no signal ever comes through.
struct starves : flat_backend {
  using duration = std::chrono::nanoseconds;
  using descriptors = std::span<pollfd>;

  static std::int64_t now() noexcept { return sigsafe::detail::monotonic_now(); }
  static bool wait_for(saved_state saved, duration time, sigsafe::location where) noexcept {
    return poll(saved, {}, time, where) == sigsafe::wake::handler;
  }
  static sigsafe::poll_result poll(saved_state saved, descriptors fds, sigsafe::location) noexcept {
    return poll_once(saved, fds, nullptr);
  }
  static sigsafe::poll_result poll(saved_state saved, descriptors fds, duration time,
                                   sigsafe::location) noexcept {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    const timespec limit{static_cast<time_t>(seconds.count()),
                         static_cast<long>((time - seconds).count())};
    return poll_once(saved, fds, &limit);
  }

 private:
  static sigsafe::poll_result poll_once(saved_state saved, descriptors fds,
                                        const timespec* limit) noexcept {
    const sigset_t mask = saved.native();
    const int ready = ::ppoll(fds.data(), fds.size(), limit, &mask);
    if (ready < 0) return sigsafe::wake::handler;
    return {ready > 0 ? sigsafe::wake::ready : sigsafe::wake::timeout, ready};
  }
};

}  // namespace test
