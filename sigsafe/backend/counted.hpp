// Counted nesting for the backends of processors: holds may be released in any order.
#pragma once

#include <concepts>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/detail/wait_on.hpp>
#include <sigsafe/location.hpp>

namespace sigsafe::backend {

/// What a kernel keeps for each CPU, zero-initialised; its contents are sigsafe's.
///
///   holds    saved
///   0        unused
///   > 0      what Flat::disable returned to the first of them
template <interrupt_backend Flat>
struct nesting {
  unsigned holds = 0;
  typename Flat::saved_state saved{};
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

/// Flat with a count of the holds of each CPU: interrupts come back with the last release. Nested
/// holds have no saved state of their own, so mutexes and refs are smaller.
/// Safety:   callable from an interrupt handler, not from one that Flat does not hold off (an NMI);
///           a task must not move to another CPU, and no other may run on this one, while it is
///           held
/// Errors:   none, but for wait
/// Cost:     that of Flat, Storage::nesting() and a count, for each hold and each release
template <interrupt_backend Flat, cpu_storage<Flat> Storage>
struct counted {
  struct saved_state {};

  static saved_state disable() noexcept {
    enter();
    return {};
  }
  static void restore(saved_state) noexcept { leave(); }

  static void enter() noexcept {
    const auto saved = Flat::disable();
    auto& here = Storage::nesting();
    if (here.holds++ == 0) here.saved = saved;
  }

  static void leave() noexcept {
    auto& here = Storage::nesting();
    if (--here.holds == 0) Flat::restore(here.saved);
  }

  static bool enabled() noexcept { return Flat::enabled(); }

  /// Pre:      the caller has the only hold on this CPU, and interrupts were enabled before it,
  ///           else it panics.   Post: !enabled()
  static void wait(saved_state, location where = location::current()) noexcept {
    require_outermost(Storage::nesting().holds == 1, where);
    const auto saved = Storage::nesting().saved;
    // The sleeper holds nothing: handlers find no hold, and one of them may let it continue on
    // another CPU.
    Storage::nesting().holds = 0;
    detail::wait_on<Flat>(saved, where);
    Storage::nesting() = {1, saved};
  }

  /// Pre:      interrupts are disabled
  static const void* self() noexcept { return &Storage::nesting(); }
};

}  // namespace sigsafe::backend
