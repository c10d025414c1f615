// What the injector must know of a processor: its breakpoint, its registers, and where an
// instruction may continue. The only target conditionals of the injection are here.
#pragma once

#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace injection {

using address = std::uintptr_t;

/// Where an instruction continues: by the processor's trap flag, or at one of up to two addresses.
struct continuation {
  bool traps;
  int count;
  address places[2];
};

/// Does this system call sleep until a signal comes? The C library of a 32-bit target makes another
/// one for times that have 64 bits.
inline bool is_sleep(long system_call) noexcept {
#if defined(SYS_ppoll_time64)
  if (system_call == SYS_ppoll_time64) return true;
#endif
  return system_call == SYS_ppoll || system_call == SYS_rt_sigsuspend || system_call == SYS_futex;
}

}  // namespace injection

#if defined(__x86_64__) || defined(__i386__)
#include <tests/injection/architecture_x86.hpp>
#elif defined(__aarch64__)
#include <tests/injection/architecture_aarch64.hpp>
#elif defined(__riscv) && __riscv_xlen == 64
#include <tests/injection/architecture_riscv64.hpp>
#else
#error \
    "the injector knows x86, aarch64 and riscv64; another processor needs a file like architecture_x86.hpp"
#endif

namespace injection::architecture {

/// Whether the next instruction is a handler's return to this very instruction, at which a signal
/// interrupted another return. A breakpoint cannot tell the two.
inline bool returns_here(const ucontext_t& context) noexcept {
  return system_call(context) == SYS_rt_sigreturn && ip(interrupted(context)) == ip(context);
}

/// What that return does.
inline void return_now(ucontext_t& context) noexcept {
  const ucontext_t& outer = interrupted(context);
  std::memcpy(&context.uc_sigmask, &outer.uc_sigmask, (_NSIG - 1) / 8);  // the kernel's own size
  context.uc_mcontext = outer.uc_mcontext;
}

}  // namespace injection::architecture
