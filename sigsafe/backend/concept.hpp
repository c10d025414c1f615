// What a backend is: a type that disables and restores interrupts in one environment.
#pragma once

#include <concepts>
#include <type_traits>

namespace sigsafe {

/// Every backend promises, beyond the signatures:
///  - disable and restore are compiler barriers: no access moves out of the region between them;
///  - after a restore that enables, an interrupt that was pending has been handled before the next
///    statement of the program;
///  - wait leaves no window between enabling and sleeping in which an interrupt could be missed;
///  - all of it but wait is async-signal-safe (freestanding: callable from an interrupt handler).
template <class B>
concept interrupt_backend = requires(typename B::state_type state) {
  requires std::is_trivially_copyable_v<typename B::state_type>;
  { B::disable() } noexcept -> std::same_as<typename B::state_type>;  // disable, return what was
  { B::restore(state) } noexcept;                                     // put back what was
  { B::enabled() } noexcept -> std::same_as<bool>;                    // would an interrupt run now?
  // Restore and sleep, atomically; back, disabled, after a handler ran.
  { B::wait(state) } noexcept;
};

/// A backend that counts its owners, so that they may end in any order: interrupts come back when
/// the last one ends. enter and leave are disable and restore without a state to hand back.
template <class B>
concept counting_backend = interrupt_backend<B> && requires {
  { B::enter() } noexcept -> std::same_as<void>;
  { B::leave() } noexcept -> std::same_as<void>;
};

/// A backend that can tell threads (or CPUs) apart: checked builds find ends on a wrong one. self
/// is called with interrupts disabled.
template <class B>
concept identifying_backend = interrupt_backend<B> && requires {
  { B::self() } noexcept -> std::same_as<const void*>;
};

}  // namespace sigsafe
