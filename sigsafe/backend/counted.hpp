// Counted nesting for the backends of processors: owners may end in any order.
#pragma once

#include <concepts>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/detail/sleep.hpp>

namespace sigsafe::backend {

/// What a kernel keeps for each CPU, zero-initialised; its contents are sigsafe's.
///
///   owners   outside
///   0        unused
///   > 0      what Flat::disable returned to the first of them
template <interrupt_backend Flat>
struct nesting {
  unsigned owners = 0;
  typename Flat::state_type outside{};
};

/// Where a kernel keeps it: a type with a static function that returns the nesting of the CPU that
/// it runs on. It is called with interrupts disabled, so that the CPU does not change meanwhile.
///
///     struct this_cpu {
///       static sigsafe::backend::nesting<sigsafe::backend::x86>& nesting() noexcept {
///         return cpus[apic_id()].nesting;
///       }
///     };
template <class S, class Flat>
concept cpu_storage = interrupt_backend<Flat> && requires {
  { S::nesting() } noexcept -> std::same_as<nesting<Flat>&>;
};

/// Flat with a count of its owners for each CPU: interrupts come back when the last one ends.
/// Nested owners save no state of their own, so mutexes and refs are smaller.
/// Safety:   callable from an interrupt handler, not from one that Flat does not hold off (an NMI);
///           a task must not move to another CPU, and no other may run on this one, while it owns
/// Errors:   none, but for wait
/// Cost:     that of Flat, Storage::nesting() and a count at each begin and end
template <interrupt_backend Flat, cpu_storage<Flat> Storage>
struct counted {
  struct state_type {};

  static state_type disable() noexcept {
    enter();
    return {};
  }
  static void restore(state_type) noexcept { leave(); }

  static void enter() noexcept {
    const auto outside = Flat::disable();
    auto& here = Storage::nesting();
    if (here.owners++ == 0) here.outside = outside;
  }

  static void leave() noexcept {
    auto& here = Storage::nesting();
    if (--here.owners == 0) Flat::restore(here.outside);
  }

  static bool enabled() noexcept { return Flat::enabled(); }

  /// Pre:      the caller is the only owner on this CPU, and interrupts were enabled before it, else it
  ///           panics.   Post: !enabled()
  static void wait(state_type, location where = location::current()) noexcept {
    detail::require_outermost(Storage::nesting().owners == 1, where);
    const auto outside = Storage::nesting().outside;
    // The sleeper owns nothing: handlers find no owner, and one of them may let it continue on
    // another CPU.
    Storage::nesting().owners = 0;
    detail::wait_on<Flat>(outside, where);
    Storage::nesting() = {1, outside};
  }

  /// Pre:      interrupts are disabled
  static const void* self() noexcept { return &Storage::nesting(); }
};

}  // namespace sigsafe::backend
