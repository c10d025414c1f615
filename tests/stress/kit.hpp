// What a scenario is built from: a backend and a lock; and broken ones, which the scenarios must
// notice.
#pragma once

#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/backend/lazy.hpp>
#include <sigsafe/backend/none.hpp>
#include <sigsafe/guard.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/ref_cell.hpp>
#include <sigsafe/src/stops.hpp>
#include <sigsafe/wake.hpp>

#include <tests/support/broken_backends.hpp>

namespace stress {

/// A backend and a lock under test. ends_early is for a mutant.
template <sigsafe::interrupt_backend B, sigsafe::raw_lock L = sigsafe::default_raw_lock,
          bool EndsEarly = false>
struct kit {
  using backend = B;
  using lock = L;
  using guard = sigsafe::basic_guard<B>;
  using raw_mutex = sigsafe::raw_mutex<L, B>;
  template <class T>
  using mutex = sigsafe::mutex<T, L, B>;
  template <class T>
  using ref_cell = sigsafe::ref_cell<T, B>;
  template <class T>
  using ref_mut = sigsafe::ref_mut<T, B>;
  static constexpr bool ends_early = EndsEarly;
  static constexpr bool plugin_holds = true;
};

// ---- mutants
// --------------------------------------------------------------------------------------

/// Holds off nothing.
struct no_guard : sigsafe::backend::none {
  static void enter() noexcept {}
  static void leave() noexcept {}
};

/// Excludes nobody.
struct no_lock {
  void lock() noexcept {}
  [[nodiscard]] bool try_lock() noexcept { return true; }
  void unlock() noexcept {}
};

/// Waits with every signal blocked.
struct deaf_lock : sigsafe::default_raw_lock {
  void wait() noexcept {
    const sigsafe::guard off;
    sigsafe::default_raw_lock::wait();
  }
};

/// The guards of a plug-in hold off nothing, as if its copy of the library had a state of its own.
template <class B>
struct with_open_plugin : kit<B> {
  static constexpr bool plugin_holds = false;
};

/// Before a release it does something with what is pending.
template <class B, void (*Meddle)() noexcept>
struct meddling : B {
  static void restore(typename B::saved_state saved) noexcept {
    Meddle();
    B::restore(saved);
  }
  static void leave() noexcept {
    Meddle();
    B::leave();
  }
};

inline bool take_one(sigset_t of, siginfo_t& taken) noexcept {
  constexpr timespec at_once{0, 0};
  return sigtimedwait(&of, &taken, &at_once) > 0;
}
inline void lose_one() noexcept {
  siginfo_t taken;
  take_one(sigsafe::signal_set::maskable().native(), taken);
}
inline void repeat_one() noexcept {
  sigset_t queued;
  sigemptyset(&queued);
  for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) sigaddset(&queued, signal);
  siginfo_t taken;
  if (!take_one(queued, taken)) return;
  for (int i = 0; i < 2; ++i) pthread_sigqueue(pthread_self(), taken.si_signo, taken.si_value);
}
// As if no SIGCONT had come behind the stop: one that waits is taken back, one that has come is
// overlooked.
inline void stop_again() noexcept {
  if (sigsafe::signal_set::pending().contains(SIGCONT)) raise(SIGTSTP);
  sigsafe::detail::current_thread().continued.store(sigsafe::detail::continues());
}
template <class B>
using loses_signals = meddling<B, lose_one>;
template <class B>
using repeats_signals = meddling<B, repeat_one>;
template <class B>
using stops_again = meddling<B, stop_again>;

/// Enables first and polls then.
template <class B>
struct late_poll : B {
  static sigsafe::poll_result poll(typename B::saved_state saved, typename B::descriptors fds,
                                   sigsafe::location = sigsafe::location::current()) noexcept {
    B::restore(saved);
    const int ready = ::poll(fds.data(), fds.size(), -1);
    static_cast<void>(B::disable());
    return ready > 0 ? sigsafe::wake::ready : sigsafe::wake::handler;
  }
  template <class Duration>
  static sigsafe::poll_result poll(typename B::saved_state saved, typename B::descriptors fds,
                                   Duration,
                                   sigsafe::location = sigsafe::location::current()) noexcept {
    return poll(saved, fds);
  }
};
static_assert(sigsafe::timed_backend<late_poll<sigsafe::backend::lazy>>);

/// Disables again when its sleep returns, but not when a cancelled thread unwinds from it.
template <class B>
struct stays_open : B {
  static void wait(typename B::saved_state saved) {
    B::restore(saved);
    pause();
    static_cast<void>(B::disable());
  }
};

/// Puts back what was when a hold began, so only releases in the reverse order are right.
struct flat_lazy {
  using saved_state = sigsafe::backend::lazy::saved_state;
  static saved_state disable() noexcept { return sigsafe::backend::lazy::disable(); }
  static void restore(saved_state saved) noexcept {
    sigsafe::detail::this_thread.held.store(saved + 1);  // as if all that began later had ended
    sigsafe::backend::lazy::restore(saved);
  }
  static bool enabled() noexcept { return sigsafe::backend::lazy::enabled(); }
  static void wait(saved_state saved) noexcept { sigsafe::backend::lazy::wait(saved); }
};

}  // namespace stress
