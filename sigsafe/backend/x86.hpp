// x86 without an operating system, 32 and 64 bit: the interrupt flag of the processor.
#pragma once

#if !defined(__i386__) && !defined(__x86_64__)
#error \
    "sigsafe: backend/x86.hpp is for i386 and x86-64; include sigsafe/backend/native.hpp for the target's own"
#endif

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/detail/sleep.hpp>

namespace sigsafe::backend {

/// Holds off the maskable interrupts of this CPU; not exceptions, NMIs, SMIs and machine checks. It
/// changes the interrupt flag and no other. Owners end in the reverse order of their beginning.
/// Safety:   callable from an interrupt handler; needs the privilege for cli (CPL <= IOPL); a task
///           that owns must not move to another CPU
/// Errors:   none, but for wait
/// Cost:     disable: pushf, pop, cli; restore: a test, sti, nop
/// Source:   Intel SDM 2B, STI: interrupts stay off until the instruction after it has run
struct x86 {
  using state_type = bool;  // were interrupts enabled?

  static state_type disable() noexcept {
    const bool outside = enabled();
    // The region's accesses stay behind it, against handlers here.
    asm volatile("cli" ::: "memory");
    return outside;
  }

  static void restore(state_type outside) noexcept {
    asm volatile("" ::: "memory");  // the region's accesses stay before it, against handlers here
    // After sti alone a pending interrupt would run one instruction late, and that instruction is
    // the caller's next statement. The nop takes its place.
    if (outside) asm volatile("sti\n\tnop" ::: "memory");
  }

  static bool enabled() noexcept {
    constexpr unsigned interrupt_flag = 1U << 9;
    return (flags() & interrupt_flag) != 0;
  }

  /// Pre:      outside, else it panics.   Post: !enabled()
  /// Errors:   an NMI between sti and hlt may let an interrupt run before hlt; a kernel whose NMI
  ///           handler returns there moves the return address behind hlt
  static void wait(state_type outside, location where = location::current()) noexcept {
    detail::require_outermost(outside, where);
    // sti takes effect after hlt has begun: none can run between the caller's check and the sleep.
    asm volatile("sti\n\thlt\n\tcli" ::: "memory");
  }

 private:
  // The compiler's own pushf and pop: those of an asm statement would overwrite a red zone.
  static unsigned long flags() noexcept {
#if defined(__x86_64__)
    return __builtin_ia32_readeflags_u64();
#else
    return __builtin_ia32_readeflags_u32();
#endif
  }
};
static_assert(interrupt_backend<x86>);

}  // namespace sigsafe::backend
