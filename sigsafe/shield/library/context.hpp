// What a signal has interrupted: the only file that knows processors.
#pragma once

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

namespace shield {

#if defined(__x86_64__)
constexpr unsigned char system_call_code[] = {0x0f, 0x05};
using word = greg_t;
inline word& instruction_pointer(ucontext_t& context) noexcept {
  return context.uc_mcontext.gregs[REG_RIP];
}
inline word& result(ucontext_t& context) noexcept { return context.uc_mcontext.gregs[REG_RAX]; }
#elif defined(__i386__)
constexpr unsigned char system_call_code[] = {0xcd, 0x80};  // of the vdso too, when it starts again
using word = greg_t;
inline word& instruction_pointer(ucontext_t& context) noexcept {
  return context.uc_mcontext.gregs[REG_EIP];
}
inline word& result(ucontext_t& context) noexcept { return context.uc_mcontext.gregs[REG_EAX]; }
#elif defined(__aarch64__)
constexpr unsigned char system_call_code[] = {0x01, 0x00, 0x00, 0xd4};
using word = unsigned long long;
inline word& instruction_pointer(ucontext_t& context) noexcept { return context.uc_mcontext.pc; }
inline word& result(ucontext_t& context) noexcept { return context.uc_mcontext.regs[0]; }
#elif defined(__riscv)
constexpr unsigned char system_call_code[] = {0x73, 0x00, 0x00, 0x00};
using word = unsigned long;
inline word& instruction_pointer(ucontext_t& context) noexcept {
  return context.uc_mcontext.__gregs[REG_PC];
}
inline word& result(ucontext_t& context) noexcept { return context.uc_mcontext.__gregs[REG_A0]; }
#else
#error "sigsafe-shield does not know this processor's contexts: add it here"
#endif

inline bool is_system_call(uintptr_t address) noexcept {
  return memcmp(reinterpret_cast<const void*>(address), system_call_code,
                sizeof(system_call_code)) == 0;
}

/// It is about to be made again behind the handler.
inline bool restarts_system_call(ucontext_t& context) noexcept {
  return is_system_call(static_cast<uintptr_t>(instruction_pointer(context)));
}

/// It slept in the kernel, or is just about to enter it.
inline bool is_at_system_call(ucontext_t& context) noexcept {
  if (restarts_system_call(context)) return true;
  const auto address = static_cast<uintptr_t>(instruction_pointer(context));
  return static_cast<intptr_t>(result(context)) == -EINTR &&
         is_system_call(address - sizeof(system_call_code));
}

/// Instead it fails with EINTR.
inline void interrupt_system_call(ucontext_t& context) noexcept {
  constexpr int size = sizeof(system_call_code);
  instruction_pointer(context) += size;
  result(context) = static_cast<word>(-EINTR);
}

}  // namespace shield
