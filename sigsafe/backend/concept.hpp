// What a backend is: a type that disables and restores interrupts in one environment.
#pragma once

#include <sigsafe/config.hpp>

#include <concepts>
#include <cstdint>
#include <type_traits>

#include <sigsafe/location.hpp>
#include <sigsafe/panic.hpp>
#include <sigsafe/wake.hpp>

namespace sigsafe {

/// Every backend promises, beyond the signatures:
///  - disable and restore are compiler barriers: no access moves out of the region between them;
///  - after a restore that enables, an interrupt that was pending has been handled before the next
///    statement of the program;
///  - wait leaves no window between enabling and sleeping in which an interrupt could be missed;
///  - all of it but wait is async-signal-safe (freestanding: callable from an interrupt handler).
/// wait may take a location as a second argument: the caller's place, for its panics. It need not
/// be noexcept: hosted, it is a cancellation point, and cancellation unwinds.
template <class B>
concept interrupt_backend = requires(typename B::saved_state saved) {
  requires std::is_trivially_copyable_v<typename B::saved_state>;
  { B::disable() } noexcept -> std::same_as<typename B::saved_state>;  // disable, return what was
  { B::restore(saved) } noexcept;                                      // put back what was
  { B::enabled() } noexcept -> std::same_as<bool>;  // would an interrupt run now?
  B::wait(saved);  // restore and sleep, atomically; back, disabled, after a handler ran
};

/// A backend that counts its holds, so that they may be released in any order: interrupts come back
/// with the last release. enter and leave are disable and restore without a saved state.
template <class B>
concept counting_backend = interrupt_backend<B> && requires {
  { B::enter() } noexcept -> std::same_as<void>;
  { B::leave() } noexcept -> std::same_as<void>;
};

/// A backend that can tell threads (or CPUs) apart: a checked build then finds a release on the
/// wrong one. self is called with interrupts disabled.
template <class B>
concept identifying_backend = interrupt_backend<B> && requires {
  { B::self() } noexcept -> std::same_as<const void*>;
};

/// A backend whose sleep can end without a handler: after a time, or when a descriptor is ready.
/// duration and descriptors are the types it works with; it may accept more (hosted: every
/// std::chrono::duration, and every contiguous range of pollfd). A negative time counts as zero. A
/// duration can be made of a number of nanoseconds, and now is a clock, in nanoseconds, that nobody
/// sets.
template <class B>
concept timed_backend =
    interrupt_backend<B> && requires(typename B::saved_state saved, typename B::duration time,
                                     typename B::descriptors fds, location where) {
      { B::wait_for(saved, time, where) } -> std::same_as<bool>;  // did a handler run?
      { B::poll(saved, fds, where) } -> std::same_as<poll_result>;
      { B::poll(saved, fds, time, where) } -> std::same_as<poll_result>;
      { B::now() } noexcept -> std::same_as<std::int64_t>;
      static_cast<typename B::duration>(B::now());
    };

/// A backend that can run a blocking call of the caller's with interrupts enabled. open returns
/// false, and does not call, when a handler has run first.
template <class B>
concept opening_backend = timed_backend<B> && requires(typename B::saved_state saved,
                                                       void (*blocking)(), location where) {
  { B::open(saved, blocking, where) } -> std::same_as<bool>;
};

/// What the wait of a backend without an operating system calls first: panics unless `outermost`.
/// Safety:   async-signal-safe, thread-safe
inline void require_outermost(bool outermost, location where) noexcept {
  if (!outermost) [[unlikely]]
    panic(
        "wait in a nested guard would enable what the outer one disabled; release the other "
        "guards, locks and borrows of this CPU first, and do not wait in an interrupt handler",
        where);
}

}  // namespace sigsafe
