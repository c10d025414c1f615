// The only ladder of target conditionals: picks what belongs to the target of this compilation.
#pragma once

#include <sigsafe/backend/concept.hpp>

#if __STDC_HOSTED__ == 1 && defined(__linux__)
#define SIGSAFE_HOSTED 1
#else
#define SIGSAFE_HOSTED 0
#endif

#if defined(SIGSAFE_BACKEND_HEADER)
// A user's own: that header defines sigsafe::backend::native.
#include SIGSAFE_BACKEND_HEADER
#elif SIGSAFE_HOSTED
#include <sigsafe/backend/posix.hpp>
namespace sigsafe::backend {
using native = posix;
}
// Where there is an operating system, processor instructions would be privileged.
#elif __STDC_HOSTED__ == 0 && (defined(__i386__) || defined(__x86_64__))
#include <sigsafe/backend/x86.hpp>
namespace sigsafe::backend {
using native = x86;
}
#elif __STDC_HOSTED__ == 0 && defined(__aarch64__)
#include <sigsafe/backend/aarch64.hpp>
namespace sigsafe::backend {
using native = aarch64;
}
#elif __STDC_HOSTED__ == 0 && defined(__riscv)
#include <sigsafe/backend/riscv.hpp>
namespace sigsafe::backend {
using native = riscv;
}
#else
#error \
    "sigsafe: there is no interrupt backend for this target. Write a type that satisfies \
sigsafe::interrupt_backend (sigsafe/backend/concept.hpp says what it promises), put `namespace \
sigsafe::backend { using native = your_type; }` into a header, and compile with \
-DSIGSAFE_BACKEND_HEADER='\"that_header.hpp\"'. A program without interrupts names sigsafe::backend::none there."
#endif

static_assert(sigsafe::interrupt_backend<sigsafe::backend::native>,
              "sigsafe: backend::native must satisfy sigsafe::interrupt_backend");

namespace sigsafe::detail {

/// Tells the processor that this is a spinning loop.
inline void cpu_relax() noexcept {
#if defined(__i386__) || defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#elif defined(__riscv)
  asm volatile(".4byte 0x0100000f");  // pause, which assemblers name only with Zihintpause
#endif
}

}  // namespace sigsafe::detail
