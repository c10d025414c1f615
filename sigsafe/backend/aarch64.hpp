// aarch64 without an operating system: the interrupt masks in PSTATE.
#pragma once

#include <sigsafe/config.hpp>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/location.hpp>

#if !SIGSAFE_AARCH64
#error \
    "sigsafe: backend/aarch64.hpp is for aarch64; include sigsafe/backend/native.hpp for the target's own"
#endif

namespace sigsafe::backend {

inline constexpr unsigned long daif_irq = 1UL << 7;
inline constexpr unsigned long daif_fiq = 1UL << 6;

/// Holds off the interrupts in Masks (daif_irq, daif_fiq or both) on this CPU; not exceptions,
/// SErrors and debug events. It changes no other bit of DAIF. Holds are released in the reverse
/// order. A kernel that keeps FIQ for what must always come through uses basic_aarch64<daif_irq>.
/// Safety:   callable from an interrupt handler; needs EL1 or higher (or SCTLR_EL1.UMA); a task
///           must not move to another CPU while it is held
/// Errors:   none, but for wait
/// Cost:     disable: mrs, and, msr; restore: a test, mrs, bic, orr, msr, isb
/// Source:   Arm ARM (DDI 0487), asynchronous exceptions: one that is pending and not masked is
///           taken before the first instruction after a context synchronization event, such as isb
template <unsigned long Masks = daif_irq | daif_fiq>
struct basic_aarch64 {
  static_assert(Masks != 0 && (Masks & ~(daif_irq | daif_fiq)) == 0,
                "sigsafe: basic_aarch64 masks daif_irq, daif_fiq or both");

  using saved_state = unsigned long;  // which of Masks were set

  static saved_state disable() noexcept {
    const unsigned long saved = masked();
    // The region's accesses stay behind it, against handlers on this CPU.
    asm volatile("msr daifset, %0" ::"i"(Masks >> 6) : "memory");
    return saved;
  }

  static void restore(saved_state saved) noexcept {
    asm volatile("" ::: "memory");  // the region's accesses stay before it, against handlers here
    if (saved == Masks) return;
    unsigned long daif;
    asm volatile("mrs %0, daif" : "=r"(daif));
    // The write to DAIF unmasks, but only isb makes a pending interrupt be taken here and now.
    asm volatile("msr daif, %0\n\tisb" ::"r"((daif & ~Masks) | saved) : "memory");
  }

  static bool enabled() noexcept { return masked() != Masks; }

  /// Pre:      something of Masks was not masked saved, else it panics.   Post: !enabled()
  static void wait(saved_state saved, location where = location::current()) noexcept {
    require_outermost(saved != Masks, where);
    // A masked interrupt wakes wfi too and stays pending, so none is missed between the caller's
    // check and the sleep. Its handler runs in restore.
    asm volatile("dsb sy\n\twfi" ::: "memory");
    restore(saved);
    disable();
  }

 private:
  static unsigned long masked() noexcept {
    unsigned long daif;
    asm volatile("mrs %0, daif" : "=r"(daif)::"memory");
    return daif & Masks;
  }
};

using aarch64 = basic_aarch64<>;
static_assert(interrupt_backend<aarch64>);

}  // namespace sigsafe::backend
