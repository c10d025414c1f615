// What this compilation is for: the only place that asks for the target, for an operating system,
// for a checked build and for how symbols are exported. Every other header uses the names defined
// here.
#pragma once

#if __cplusplus < 202002L
#error "sigsafe needs C++20: compile with -std=c++20 or newer"
#endif

#include <sigsafe/version.h>

// ---- the build
// -----------------------------------------------------------------------------------

/// 1 in builds that report misuse with the places of both sides.
#if !defined(SIGSAFE_CHECKED)
#define SIGSAFE_CHECKED 0
#endif

/// Marks what other shared objects must see, also in code that is built with hidden visibility.
#define SIGSAFE_API __attribute__((visibility("default")))

#if defined(__SANITIZE_THREAD__)
#define SIGSAFE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SIGSAFE_TSAN 1
#endif
#endif
#if !defined(SIGSAFE_TSAN)
#define SIGSAFE_TSAN 0
#endif

// ---- the operating system
// ------------------------------------------------------------------------

#if __STDC_HOSTED__ == 1 && defined(__linux__)
#define SIGSAFE_HOSTED 1
#include <features.h>  // says whether the C library is glibc
#else
#define SIGSAFE_HOSTED 0
#endif

#if defined(__GLIBC__)
#define SIGSAFE_GLIBC 1
#else
#define SIGSAFE_GLIBC 0
#endif

// ---- the processor
// -------------------------------------------------------------------------------

#if defined(__x86_64__)
#define SIGSAFE_X86 1
#define SIGSAFE_X86_64 1
#define SIGSAFE_X86_READ_FLAGS __builtin_ia32_readeflags_u64
#elif defined(__i386__)
#define SIGSAFE_X86 1
#define SIGSAFE_X86_READ_FLAGS __builtin_ia32_readeflags_u32
#else
#define SIGSAFE_X86 0
#endif
#if !defined(SIGSAFE_X86_64)
#define SIGSAFE_X86_64 0
#endif

#if defined(__aarch64__)
#define SIGSAFE_AARCH64 1
#else
#define SIGSAFE_AARCH64 0
#endif

#if defined(__riscv)
#define SIGSAFE_RISCV 1
#else
#define SIGSAFE_RISCV 0
#endif

/// Where the kernel puts the siginfo and the context of a signal: bytes behind the canonical frame
/// address of the handler that it calls. 1 when that is known here; ThreadSanitizer calls handlers
/// itself.
#if SIGSAFE_TSAN
#define SIGSAFE_FRAME_IS_KNOWN 0
#elif defined(__x86_64__)
#define SIGSAFE_FRAME_IS_KNOWN 1
#define SIGSAFE_FRAME_INFO 304
#define SIGSAFE_FRAME_CONTEXT 0
#elif defined(__i386__)
#define SIGSAFE_FRAME_IS_KNOWN 1
#define SIGSAFE_FRAME_INFO 12
#define SIGSAFE_FRAME_CONTEXT 140
#elif defined(__aarch64__) || defined(__riscv)
#define SIGSAFE_FRAME_IS_KNOWN 1
#define SIGSAFE_FRAME_INFO 0
#define SIGSAFE_FRAME_CONTEXT 128
#else
#define SIGSAFE_FRAME_IS_KNOWN 0
#endif
#if !SIGSAFE_FRAME_IS_KNOWN
#define SIGSAFE_FRAME_INFO 0
#define SIGSAFE_FRAME_CONTEXT 0
#endif

/// The program counter in the mcontext_t of a signal's context.
#if defined(__x86_64__)
#define SIGSAFE_PROGRAM_COUNTER(context) ((context).gregs[REG_RIP])
#elif SIGSAFE_X86
#define SIGSAFE_PROGRAM_COUNTER(context) ((context).gregs[REG_EIP])
#elif SIGSAFE_AARCH64
#define SIGSAFE_PROGRAM_COUNTER(context) ((context).pc)
#elif SIGSAFE_RISCV
#define SIGSAFE_PROGRAM_COUNTER(context) ((context).__gregs[REG_PC])
#endif

/// For walking the stack of a crashed thread: its frame pointer, and how many words from there lies
/// the record of two words, the caller's frame pointer and the return address. Before a function
/// has made its frame, the return address is at the stack pointer or in the link register.
#if defined(__x86_64__)
#define SIGSAFE_FRAME_POINTER(context) ((context).gregs[REG_RBP])
#define SIGSAFE_STACK_POINTER(context) ((context).gregs[REG_RSP])
#define SIGSAFE_FRAME_RECORD 0
#elif SIGSAFE_X86
#define SIGSAFE_FRAME_POINTER(context) ((context).gregs[REG_EBP])
#define SIGSAFE_STACK_POINTER(context) ((context).gregs[REG_ESP])
#define SIGSAFE_FRAME_RECORD 0
#elif SIGSAFE_AARCH64
#define SIGSAFE_FRAME_POINTER(context) ((context).regs[29])
#define SIGSAFE_STACK_POINTER(context) ((context).sp)
#define SIGSAFE_LINK_REGISTER(context) ((context).regs[30])
#define SIGSAFE_FRAME_RECORD 0
#elif SIGSAFE_RISCV
#define SIGSAFE_FRAME_POINTER(context) ((context).__gregs[REG_S0])
#define SIGSAFE_STACK_POINTER(context) ((context).__gregs[REG_SP])
#define SIGSAFE_LINK_REGISTER(context) ((context).__gregs[REG_RA])
#define SIGSAFE_FRAME_RECORD (-2)
#endif

/// Tells the processor that this is a spinning loop.
#if SIGSAFE_X86
#define SIGSAFE_CPU_RELAX() __builtin_ia32_pause()
#elif SIGSAFE_AARCH64
#define SIGSAFE_CPU_RELAX() asm volatile("yield")
#elif SIGSAFE_RISCV
// This is pause, which assemblers know by name only with Zihintpause.
#define SIGSAFE_CPU_RELAX() asm volatile(".4byte 0x0100000f")
#else
#define SIGSAFE_CPU_RELAX() static_cast<void>(0)
#endif

// ---- the native backend
// --------------------------------------------------------------------------

// Where there is an operating system, the processors' instructions would be privileged.
#if defined(SIGSAFE_BACKEND_HEADER)
// A user's own: that header defines sigsafe::backend::native.
#define SIGSAFE_NATIVE_HEADER SIGSAFE_BACKEND_HEADER
#elif SIGSAFE_HOSTED
#define SIGSAFE_NATIVE_HEADER <sigsafe/backend/posix.hpp>
#define SIGSAFE_NATIVE_BACKEND posix
#elif __STDC_HOSTED__ == 0 && SIGSAFE_X86
#define SIGSAFE_NATIVE_HEADER <sigsafe/backend/x86.hpp>
#define SIGSAFE_NATIVE_BACKEND x86
#elif __STDC_HOSTED__ == 0 && SIGSAFE_AARCH64
#define SIGSAFE_NATIVE_HEADER <sigsafe/backend/aarch64.hpp>
#define SIGSAFE_NATIVE_BACKEND aarch64
#elif __STDC_HOSTED__ == 0 && SIGSAFE_RISCV
#define SIGSAFE_NATIVE_HEADER <sigsafe/backend/riscv.hpp>
#define SIGSAFE_NATIVE_BACKEND riscv
#endif
