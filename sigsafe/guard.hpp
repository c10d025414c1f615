// The guard: interrupts are disabled on this thread (or CPU) while it lives.
#pragma once

#include <sigsafe/config.hpp>

#include <utility>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/backend/native.hpp>
#include <sigsafe/detail/checked.hpp>
#include <sigsafe/detail/wait_on.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/wake.hpp>

namespace sigsafe {

/// Disables interrupts on the calling thread while it lives; its destructor releases it. Guards
/// nest: only the release of the outermost one enables. It neither copies nor moves, so guards are
/// released in the reverse order of their construction; a function can still return one.
/// Safety:   async-signal-safe, thread-safe; it belongs to the thread that began it
/// Pre:      none.   Post: !B::enabled()
/// Errors:   none; a checked build panics when it is released on another thread
/// Cost:     that of B; sizeof is that of B's state, at least 1
/// Source:   POSIX.1-2024 pthread_sigmask
template <interrupt_backend B = backend::native>
class [[nodiscard]] basic_guard {
 public:
  using backend_type = B;

  [[nodiscard]] explicit basic_guard(location where = location::current()) noexcept
      : saved_(B::disable()), thread_(where) {}
  basic_guard(const basic_guard&) = delete;
  basic_guard& operator=(const basic_guard&) = delete;

  ~basic_guard() {
    thread_.require_same();
    B::restore(saved_);
  }

  /// Enables interrupts and sleeps, atomically, until a handler has run; then they are disabled
  /// again. `while (!flag) guard.wait();` misses no signal, whichever thread runs its handler:
  /// hosted it comes back at once when a handler of sigsafe has run on any thread since this
  /// thread's last wait. It may wake spuriously; handlers with .deferrable = false do not wake it.
  /// Safety:   not async-signal-safe: a handler that waits would never wake; thread-safe. Hosted, a
  ///           cancellation point: a thread that is cancelled in it unwinds
  /// Pre:      this guard is the only hold of the thread (or CPU), and no handler runs
  /// Post:     !B::enabled()
  /// Errors:   panics when the precondition does not hold; std::system_error when the process has
  ///           no memory for one more sleeping thread
  /// Cost:     hosted three system calls with a lazy guard, two with an eager one
  /// Source:   POSIX.1-2024 sigsuspend, ppoll; freestanding that of the backend
  void wait(location where = location::current()) {
    detail::wait_on<B>(saved_, where);
    thread_.woken();
  }

  /// As wait, for at most a duration (a std::chrono::duration; a negative one counts as zero).
  /// Returns true when a handler ran, false when the time was up. Hosted backends only.
  template <class Duration>
  bool wait_for(Duration time, location where = location::current())
    requires timed_backend<B>
  {
    const bool handled = B::wait_for(saved_, time, where);
    thread_.woken();
    return handled;
  }

  /// As wait, and also until one of fds (a range of pollfd) has events. Returns a sigsafe::wake. A
  /// descriptor that is always ready does not starve the handlers. Hosted backends only.
  /// Errors:   std::system_error when ppoll refuses its arguments; nothing has changed then
  template <class Fds>
  wake poll(Fds&& fds, location where = location::current())
    requires timed_backend<B>
  {
    const wake woken = B::poll(saved_, fds, where);
    thread_.woken();
    return woken;
  }

  /// As poll, for at most a duration.
  template <class Fds, class Duration>
  wake poll(Fds&& fds, Duration timeout, location where = location::current())
    requires timed_backend<B>
  {
    const wake woken = B::poll(saved_, fds, timeout, where);
    thread_.woken();
    return woken;
  }

 private:
  // mutable, or g++ 12 keeps the saved state of a `const` guard in memory, which doubles its cost.
  [[no_unique_address]] mutable typename B::saved_state saved_;
  [[no_unique_address]] detail::holding_thread<B> thread_;
};

using guard = basic_guard<>;

/// Disables interrupts until the returned guard is released: `auto off = sigsafe::disable();`
/// Safety, Post, Errors, Cost: as basic_guard
template <interrupt_backend B = backend::native>
[[nodiscard]] basic_guard<B> disable(location where = location::current()) noexcept {
  return basic_guard<B>{where};
}

/// Calls function with interrupts disabled and returns what it returns. They come back also when it
/// throws.
/// Safety:   as safe as function; thread-safe
/// Cost:     as basic_guard
template <interrupt_backend B = backend::native, class F>
decltype(auto) without(F&& function) noexcept(noexcept(std::forward<F>(function)())) {
  const basic_guard<B> off;
  return std::forward<F>(function)();
}

}  // namespace sigsafe

#if SIGSAFE_HOSTED
#include <sigsafe/subset_guard.hpp>  // IWYU pragma: export
#endif
