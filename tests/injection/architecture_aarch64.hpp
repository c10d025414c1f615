// aarch64. The code under test must be built for ARMv8.1 or newer: a breakpoint between a
// load-exclusive and its store-exclusive would make the loop around them endless.
#pragma once

namespace injection::architecture {

using code = std::uint32_t;
constexpr code breakpoint = 0xd4200000;  // brk #0; the processor stops at it

inline address ip(const ucontext_t& context) noexcept { return context.uc_mcontext.pc; }
inline void set_ip(ucontext_t& context, address where) noexcept { context.uc_mcontext.pc = where; }
inline address breakpoint_of(const ucontext_t& context) noexcept { return ip(context); }

inline long system_call(const ucontext_t& context) noexcept {
  const code instruction = *reinterpret_cast<const volatile code*>(ip(context));
  return instruction == 0xd4000001 ? static_cast<long>(context.uc_mcontext.regs[8]) : -1;  // svc #0
}

/// What a handler's return goes back to, when that is the next instruction.
inline const ucontext_t& interrupted(const ucontext_t& context) noexcept {
  return *reinterpret_cast<const ucontext_t*>(context.uc_mcontext.sp + sizeof(siginfo_t));
}

/// The signed distance in a field of an instruction, which counts in words.
inline address distance(code instruction, int lowest, int bits) noexcept {
  const auto field = static_cast<std::int32_t>(instruction << (32 - bits - lowest));
  return static_cast<address>(std::intptr_t{field >> (32 - bits)} * 4);
}

inline continuation next(const ucontext_t& context) noexcept {
  const address here = ip(context);
  const code instruction = *reinterpret_cast<const volatile code*>(here);
  if (system_call(context) == SYS_rt_sigreturn) return {false, 1, {ip(interrupted(context)), 0}};
  if ((instruction & 0x7c000000) == 0x14000000)  // b, bl
    return {false, 1, {here + distance(instruction, 0, 26), 0}};
  if ((instruction & 0xff9ffc1f) == 0xd61f0000 ||
      (instruction & 0xfffffc1f) == 0xd65f0000) {  // br, blr, ret
    const code source = (instruction >> 5) & 31;
    return {false, 1, {static_cast<address>(context.uc_mcontext.regs[source]), 0}};
  }
  if ((instruction & 0xff000010) == 0x54000000 ||  // b.cond
      (instruction & 0x7e000000) == 0x34000000)    // cbz, cbnz
    return {false, 2, {here + 4, here + distance(instruction, 5, 19)}};
  if ((instruction & 0x7e000000) == 0x36000000)  // tbz, tbnz
    return {false, 2, {here + 4, here + distance(instruction, 5, 14)}};
  return {false, 1, {here + 4, 0}};
}

inline void set_trap(ucontext_t&, bool) noexcept {}

inline void written(address where) noexcept {
  char* const begin = reinterpret_cast<char*>(where);
  __builtin___clear_cache(begin, begin + sizeof(code));
}

[[noreturn]] inline void resume(siginfo_t* info, ucontext_t*) noexcept {
  asm volatile("mov sp, %0; mov x8, %1; svc #0" : : "r"(info), "i"(SYS_rt_sigreturn) : "memory");
  __builtin_unreachable();
}

inline long call(long number, long a = 0, long b = 0, long c = 0, long d = 0) noexcept {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  asm volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return x0;
}

}  // namespace injection::architecture
