// aarch64 without an operating system: the interrupt masks in PSTATE.
#pragma once

#if !defined(__aarch64__)
#error \
    "sigsafe: backend/aarch64.hpp is for aarch64; include sigsafe/backend/native.hpp for the target's own"
#endif

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/detail/sleep.hpp>

namespace sigsafe::backend {

inline constexpr unsigned long daif_irq = 1UL << 7;
inline constexpr unsigned long daif_fiq = 1UL << 6;

/// Holds off the interrupts in Owned, of which there are daif_irq and daif_fiq, on this CPU: not
/// exceptions, SErrors and debug events. It changes no other bit of DAIF. Owners end in the reverse
/// order of their beginning. A kernel that keeps FIQ for what must always come through names
/// basic_aarch64<daif_irq>.
/// Safety:   callable from an interrupt handler; needs EL1 or higher (or SCTLR_EL1.UMA); a task that
///           owns must not move to another CPU
/// Errors:   none, but for wait
/// Cost:     disable: mrs, and, msr; restore: a test, mrs, bic, orr, msr, isb
/// Source:   Arm ARM (DDI 0487), asynchronous exceptions: one that is pending and not masked is taken
///           before the first instruction after a context synchronization event, such as isb
template <unsigned long Owned = daif_irq | daif_fiq>
struct basic_aarch64 {
  static_assert(Owned != 0 && (Owned & ~(daif_irq | daif_fiq)) == 0,
                "sigsafe: a basic_aarch64 owns daif_irq, daif_fiq or both");

  using state_type = unsigned long;  // which of Owned were masked

  static state_type disable() noexcept {
    const unsigned long outside = masked();
    // The region's accesses stay behind it, against handlers on this CPU.
    asm volatile("msr daifset, %0" ::"i"(Owned >> 6) : "memory");
    return outside;
  }

  static void restore(state_type outside) noexcept {
    asm volatile("" ::: "memory");  // the region's accesses stay before it, against handlers here
    if (outside == Owned) return;
    unsigned long daif;
    asm volatile("mrs %0, daif" : "=r"(daif));
    // The write to DAIF opens, but only isb makes a pending interrupt be taken here and now.
    asm volatile("msr daif, %0\n\tisb" ::"r"((daif & ~Owned) | outside) : "memory");
  }

  static bool enabled() noexcept { return masked() != Owned; }

  /// Pre:      something of Owned was not masked outside, else it panics.   Post: !enabled()
  static void wait(state_type outside, location where = location::current()) noexcept {
    detail::require_outermost(outside != Owned, where);
    // A masked interrupt ends wfi too and stays pending, so none is missed between the caller's
    // check and the sleep. Its handler runs in restore.
    asm volatile("dsb sy\n\twfi" ::: "memory");
    restore(outside);
    disable();
  }

 private:
  static unsigned long masked() noexcept {
    unsigned long daif;
    asm volatile("mrs %0, daif" : "=r"(daif)::"memory");
    return daif & Owned;
  }
};

using aarch64 = basic_aarch64<>;
static_assert(interrupt_backend<aarch64>);

}  // namespace sigsafe::backend
