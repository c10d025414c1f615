// RISC-V without an operating system, 32 and 64 bit: the interrupt enable bit of a privilege mode.
#pragma once

#include <sigsafe/config.hpp>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/location.hpp>

#if !SIGSAFE_RISCV
#error \
    "sigsafe: backend/riscv.hpp is for RISC-V; include sigsafe/backend/native.hpp for the target's own"
#endif

namespace sigsafe::backend {

/// The privilege mode that a program runs in.
enum class riscv_mode { supervisor, machine };

/// Holds off the interrupts of one mode on this hart: sstatus.SIE in supervisor mode, mstatus.MIE
/// in machine mode. It changes no other bit. Holds are released in the reverse order.
/// Safety:   callable from an interrupt handler; needs that mode; a task must not move to another
///           hart while it is held; wait in supervisor mode needs mstatus.TW clear
/// Errors:   none, but for wait
/// Cost:     disable: csrrci; restore: a test, csrsi
/// Source:   RISC-V Privileged 1.12, 3.1.9: whether an interrupt is taken is evaluated immediately
///           after an explicit write to such a register; 3.3.3: wfi wakes also when they are
///           disabled
template <riscv_mode Mode = riscv_mode::supervisor>
struct basic_riscv {
  using saved_state = bool;  // were interrupts enabled?

  static saved_state disable() noexcept {
    unsigned long status;
    // The region's accesses stay behind it, against handlers on this hart.
    if constexpr (machine)
      asm volatile("csrrci %0, mstatus, %1" : "=r"(status) : "i"(interrupt_enable) : "memory");
    else
      asm volatile("csrrci %0, sstatus, %1" : "=r"(status) : "i"(interrupt_enable) : "memory");
    return (status & interrupt_enable) != 0;
  }

  static void restore(saved_state saved) noexcept {
    asm volatile("" ::: "memory");  // the region's accesses stay before it, against handlers here
    if (!saved) return;
    if constexpr (machine)
      asm volatile("csrsi mstatus, %0" ::"i"(interrupt_enable) : "memory");
    else
      asm volatile("csrsi sstatus, %0" ::"i"(interrupt_enable) : "memory");
  }

  static bool enabled() noexcept {
    unsigned long status;
    if constexpr (machine)
      asm volatile("csrr %0, mstatus" : "=r"(status)::"memory");
    else
      asm volatile("csrr %0, sstatus" : "=r"(status)::"memory");
    return (status & interrupt_enable) != 0;
  }

  /// Pre:      saved, else it panics.   Post: !enabled()
  static void wait(saved_state saved, location where = location::current()) noexcept {
    require_outermost(saved, where);
    // A disabled interrupt wakes wfi too and stays pending, so none is missed between the caller's
    // check and the sleep. Its handler runs in restore.
    asm volatile("wfi" ::: "memory");
    restore(saved);
    disable();
  }

 private:
  static constexpr bool machine = Mode == riscv_mode::machine;
  static constexpr unsigned long interrupt_enable = machine ? 1UL << 3 : 1UL << 1;
};

using riscv = basic_riscv<>;
static_assert(interrupt_backend<riscv>);

}  // namespace sigsafe::backend
