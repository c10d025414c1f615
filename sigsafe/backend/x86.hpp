// x86 without an operating system, 32 and 64 bit: the interrupt flag of the processor.
#pragma once

#include <sigsafe/config.hpp>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/location.hpp>

#if !SIGSAFE_X86
#error \
    "sigsafe: backend/x86.hpp is for i386 and x86-64; include sigsafe/backend/native.hpp for the target's own"
#endif

namespace sigsafe::backend {

/// Holds off the maskable interrupts of this CPU; not exceptions, NMIs, SMIs and machine checks. It
/// changes the interrupt flag and no other. Holds are released in the reverse order.
/// Safety:   callable from an interrupt handler; needs the privilege for cli (CPL <= IOPL); a task
///           must not move to another CPU while it is held
/// Errors:   none, but for wait
/// Cost:     disable: pushf, pop, cli; restore: a test, sti, nop
/// Source:   Intel SDM 2B, STI: interrupts stay off until the instruction after it has run
struct x86 {
  using saved_state = bool;  // were interrupts enabled?

  static saved_state disable() noexcept {
    const bool saved = enabled();
    // The region's accesses stay behind it, against handlers here.
    asm volatile("cli" ::: "memory");
    return saved;
  }

  static void restore(saved_state saved) noexcept {
    asm volatile("" ::: "memory");  // the region's accesses stay before it, against handlers here
    // After sti alone a pending interrupt would run one instruction late, and that instruction is
    // the caller's next statement. The nop takes its place.
    if (saved) asm volatile("sti\n\tnop" ::: "memory");
  }

  static bool enabled() noexcept {
    constexpr unsigned interrupt_flag = 1U << 9;
    return (flags() & interrupt_flag) != 0;
  }

  /// Pre:      saved, else it panics.   Post: !enabled()
  /// Errors:   an NMI between sti and hlt may let an interrupt run before hlt; a kernel whose NMI
  ///           handler returns there moves the return address behind hlt
  static void wait(saved_state saved, location where = location::current()) noexcept {
    require_outermost(saved, where);
    // sti takes effect after hlt has begun: none can run between the caller's check and the sleep.
    asm volatile("sti\n\thlt\n\tcli" ::: "memory");
  }

 private:
  // The compiler's own pushf and pop: those of an asm statement would overwrite a red zone.
  static unsigned long flags() noexcept { return SIGSAFE_X86_READ_FLAGS(); }
};
static_assert(interrupt_backend<x86>);

}  // namespace sigsafe::backend
