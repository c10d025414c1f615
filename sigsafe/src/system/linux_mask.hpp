// The system call that changes the kernel's mask, in line. A part of system.hpp.
//
// It is what an eager guard costs. The kernel leaves the processor without its predictions of where
// functions return to: each return behind a system call costs about a twentieth of the call, and
// the C library's function would be one more of them.
#pragma once

#include <sigsafe/config.hpp>

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include <sigsafe/panic.hpp>
#include <sigsafe/signal_set.hpp>

namespace sigsafe::detail::system {

/// How many bytes of uc_sigmask in a signal frame are the kernel's. A sigset_t is larger.
inline constexpr std::size_t kernel_mask_size = 8;

/// The kernel's own call: pthread_sigmask goes through masks of 128 bytes, of which the kernel
/// knows 8, in order to filter out the C library's signals, which no set of ours contains. Only
/// ThreadSanitizer must see pthread_sigmask: it keeps signals back until a call that it intercepts.
inline bool set_kernel_mask(int how, const std::uint64_t* bits, std::uint64_t* before) noexcept {
#if SIGSAFE_TSAN
  const sigset_t change = signal_set::from_bits(*bits).native();
  sigset_t native_before;
  if (pthread_sigmask(how, &change, &native_before) != 0) return false;
  if (before != nullptr) *before = signal_set{native_before}.bits();
  return true;
#elif SIGSAFE_X86_64
  long result = SYS_rt_sigprocmask;
  register std::size_t size asm("r10") = kernel_mask_size;  // const, g++ takes another
  asm volatile("syscall"
               : "+a"(result)
               : "D"(how), "S"(bits), "d"(before), "r"(size)
               : "rcx", "r11", "memory");
  return result == 0;
#else
  return syscall(SYS_rt_sigprocmask, how, bits, before, kernel_mask_size) == 0;
#endif
}

/// Changes the calling thread's mask as pthread_sigmask does (SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK).
/// `before`, unless it is null, becomes the mask before.
inline void change_mask(int how, signal_set signals, signal_set* before = nullptr) noexcept {
  const std::uint64_t bits = signals.bits();
  std::uint64_t bits_before = 0;
  if (!set_kernel_mask(how, &bits, before != nullptr ? &bits_before : nullptr)) [[unlikely]]
    panic("rt_sigprocmask failed, which it does not do for valid arguments", {nullptr, 0});
  if (before != nullptr) *before = signal_set::from_bits(bits_before);
}

}  // namespace sigsafe::detail::system
