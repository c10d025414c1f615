// i386 and x86-64.
#pragma once

namespace injection::architecture {

using code = unsigned char;
constexpr code breakpoint = 0xcc;  // int3; the processor stops behind it
constexpr greg_t trap_flag = 0x100;

#if defined(__x86_64__)
constexpr int ip_register = REG_RIP;
constexpr int sp_register = REG_RSP;
constexpr int number_register = REG_RAX;
constexpr address fast_call_size = 2;
#else
constexpr int ip_register = REG_EIP;
constexpr int sp_register = REG_ESP;
constexpr int number_register = REG_EAX;
// It stands in the vdso only, before the int $0x80 that restarted calls use, and returns behind
// that.
constexpr address fast_call_size = 4;
#endif

inline address ip(const ucontext_t& context) noexcept {
  return static_cast<address>(context.uc_mcontext.gregs[ip_register]);
}
inline void set_ip(ucontext_t& context, address where) noexcept {
  context.uc_mcontext.gregs[ip_register] = static_cast<greg_t>(where);
}

/// Where the breakpoint stands that this trap may come from.
inline address breakpoint_of(const ucontext_t& context) noexcept { return ip(context) - 1; }

/// How far behind this address the system call returns that stands there, or 0 when none does.
inline address system_call_size(address where) noexcept {
  const auto* bytes = reinterpret_cast<const volatile code*>(where);
  const bool is_fast =
      bytes[0] == 0x0f && (bytes[1] == 0x05 || bytes[1] == 0x34);  // syscall, sysenter
  if (is_fast) return fast_call_size;
  return bytes[0] == 0xcd && bytes[1] == 0x80 ? 2 : 0;  // int $0x80
}

/// The number of the system call that the next instruction makes, or -1.
inline long system_call(const ucontext_t& context) noexcept {
  return system_call_size(ip(context)) != 0
             ? static_cast<long>(context.uc_mcontext.gregs[number_register])
             : -1;
}

/// What a handler's return goes back to, when that is the next instruction.
inline const ucontext_t& interrupted(const ucontext_t& context) noexcept {
  const auto sp = static_cast<address>(context.uc_mcontext.gregs[sp_register]);
#if defined(__x86_64__)
  return *reinterpret_cast<const ucontext_t*>(sp);
#else
  return **reinterpret_cast<const ucontext_t* const*>(sp + 8);
#endif
}

/// The processor forgets the trap flag over a system call for one instruction, so there the
/// next place is computed.
inline continuation next(const ucontext_t& context) noexcept {
  const address here = ip(context);
  const address size = system_call_size(here);
  if (size == 0) return {true, 0, {}};
  if (system_call(context) != SYS_rt_sigreturn) return {false, 1, {here + size, 0}};
  return {false, 1, {ip(interrupted(context)), 0}};
}

inline void set_trap(ucontext_t& context, bool on) noexcept {
  greg_t& flags = context.uc_mcontext.gregs[REG_EFL];
  flags = on ? flags | trap_flag : flags & ~trap_flag;
}

inline void written(address) noexcept {}

/// Returns from a signal handler without the C library's restorer, which may hold a breakpoint.
[[noreturn]] inline void resume(siginfo_t* info, ucontext_t* context) noexcept {
#if defined(__x86_64__)
  static_cast<void>(info);
  asm volatile("mov %0, %%rsp; mov %1, %%eax; syscall"
               :
               : "r"(context), "i"(SYS_rt_sigreturn)
               : "memory");
#else
  // The frame: return address, signal, info*, context*, info. The kernel expects the stack pointer
  // behind the return address.
  static_cast<void>(context);
  asm volatile("mov %0, %%esp; mov %1, %%eax; int $0x80"
               :
               : "r"(reinterpret_cast<address>(info) - 12), "i"(SYS_rt_sigreturn)
               : "memory");
#endif
  __builtin_unreachable();
}

/// A system call that changes no errno and runs no code but this.
inline long call(long number, long a = 0, long b = 0, long c = 0, long d = 0) noexcept {
  long result;
#if defined(__x86_64__)
  register long fourth asm("r10") = d;
  asm volatile("syscall"
               : "=a"(result)
               : "0"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
               : "rcx", "r11", "memory");
#else
  asm volatile("int $0x80" : "=a"(result) : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d) : "memory");
#endif
  return result;
}

}  // namespace injection::architecture
