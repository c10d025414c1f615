// riscv64, with or without compressed instructions.
#pragma once

#include <unistd.h>

/// The program's own, in place of the C library's: qemu-riscv64 7.2 takes the kernel's structure
/// for one that has a restorer before its mask, so it reads garbage for the mask, and writes the
/// old one behind the C library's structure. Here the mask stands at both places.
extern "C" [[gnu::used]] inline int sigaction(int signal, const struct sigaction* wanted,
                                              struct sigaction* found) noexcept {
  struct kernel_action {
    sighandler_t handler;
    unsigned long flags;
    std::uint64_t mask;
    std::uint64_t mask_for_qemu;
  };
  kernel_action in{};
  kernel_action out{};
  if (wanted != nullptr) {
    in.handler = wanted->sa_handler;
    in.flags = static_cast<unsigned>(wanted->sa_flags);
    std::memcpy(&in.mask, &wanted->sa_mask, sizeof(in.mask));
    in.mask_for_qemu = in.mask;
  }
  const long result =
      syscall(SYS_rt_sigaction, signal, wanted != nullptr ? &in : nullptr, &out, sizeof(in.mask));
  if (result == 0 && found != nullptr) {
    *found = {};
    found->sa_handler = out.handler;
    found->sa_flags = static_cast<int>(out.flags);
    std::memcpy(&found->sa_mask, &out.mask, sizeof(out.mask));
  }
  return static_cast<int>(result);
}

namespace injection::architecture {

using code = std::uint16_t;
constexpr code breakpoint = 0x9002;  // c.ebreak; the processor stops at it
constexpr int number_register = 17;  // a7

inline address ip(const ucontext_t& context) noexcept {
  return context.uc_mcontext.__gregs[REG_PC];
}
inline void set_ip(ucontext_t& context, address where) noexcept {
  context.uc_mcontext.__gregs[REG_PC] = where;
}
inline address breakpoint_of(const ucontext_t& context) noexcept { return ip(context); }

/// An instruction of 4 bytes, or one of 2 bytes with zeros above it.
struct instruction {
  explicit instruction(address from) noexcept : where(from) {
    const auto* const halves = reinterpret_cast<const volatile code*>(from);
    bits = halves[0];
    if ((bits & 3) == 3) bits |= static_cast<std::uint32_t>(halves[1]) << 16;
  }

  [[nodiscard]] address behind() const noexcept { return where + ((bits & 3) == 3 ? 4 : 2); }
  [[nodiscard]] bool is(std::uint32_t mask, std::uint32_t value) const noexcept {
    return (bits & mask) == value;
  }

  [[nodiscard]] bool is_system_call() const noexcept { return bits == 0x73; }
  [[nodiscard]] bool is_jump() const noexcept {
    return is(0x7f, 0x6f) || is(0xe003, 0xa001);
  }  // jal, c.j
  [[nodiscard]] bool is_branch() const noexcept {
    return is(0x7f, 0x63) || is(0xc003, 0xc001);
  }  // b*, c.b*z
  [[nodiscard]] bool is_jump_to_register() const noexcept {
    return is(0x707f, 0x67) || (is(0xe07f, 0x8002) && bits != breakpoint);  // jalr; c.jr, c.jalr
  }
  [[nodiscard]] bool is_load_reserved() const noexcept {
    return is(0xf800607f, 0x1000202f);
  }  // lr.w, lr.d
  [[nodiscard]] bool is_store_conditional() const noexcept { return is(0xf800607f, 0x1800202f); }

  /// Where a jump or a branch goes. The distance lies in pieces in the instruction, the sign on
  /// top.
  [[nodiscard]] address target() const noexcept {
    if (is(0x7f, 0x6f))
      return where + sign(31, 20) + field(21, 10, 1) + field(20, 1, 11) + field(12, 8, 12);
    if (is(0x7f, 0x63))
      return where + sign(31, 12) + field(25, 6, 5) + field(8, 4, 1) + field(7, 1, 11);
    if (is(0xe003, 0xa001))
      return where + sign(12, 11) + field(11, 1, 4) + field(9, 2, 8) + field(8, 1, 10) +
             field(7, 1, 6) + field(6, 1, 7) + field(3, 3, 1) + field(2, 1, 5);
    return where + sign(12, 8) + field(10, 2, 3) + field(5, 2, 6) + field(3, 2, 1) + field(2, 1, 5);
  }
  [[nodiscard]] address target(const ucontext_t& context) const noexcept {
    const bool is_short = (bits & 3) != 3;
    const address base = context.uc_mcontext.__gregs[is_short ? field(7, 5, 0) : field(15, 5, 0)];
    return is_short ? base : (base + sign(31, 11) + field(20, 11, 0)) & ~address{1};
  }

  address where;
  std::uint32_t bits;

 private:
  [[nodiscard]] address field(int lowest, int width, int to) const noexcept {
    return address{bits >> lowest & ((1U << width) - 1)} << to;
  }
  [[nodiscard]] address sign(int at, int to) const noexcept { return -field(at, 1, to); }
};

inline long system_call(const ucontext_t& context) noexcept {
  return instruction{ip(context)}.is_system_call()
             ? static_cast<long>(context.uc_mcontext.__gregs[number_register])
             : -1;
}

/// What a handler's return goes back to, when that is the next instruction.
inline const ucontext_t& interrupted(const ucontext_t& context) noexcept {
  return *reinterpret_cast<const ucontext_t*>(context.uc_mcontext.__gregs[REG_SP] +
                                              sizeof(siginfo_t));
}

/// From a load-reserved to behind its store-conditional, and behind the branch back if there is
/// one: a breakpoint between the two would take the reservation away each time. What compilers emit
/// has one branch out at most.
inline continuation next_of_reservation(instruction at) noexcept {
  const address begin = at.where;
  continuation places{false, 1, {}};
  while (!at.is_store_conditional()) {
    at = instruction{at.behind()};
    if (at.is_branch()) places = {false, 2, {0, at.target()}};
  }
  const instruction last{at.behind()};
  places.places[0] = last.is_branch() && last.target() == begin ? last.behind() : last.where;
  return places;
}

inline continuation next(const ucontext_t& context) noexcept {
  const instruction at{ip(context)};
  if (system_call(context) == SYS_rt_sigreturn) return {false, 1, {ip(interrupted(context)), 0}};
  if (at.is_load_reserved()) return next_of_reservation(at);
  if (at.is_jump()) return {false, 1, {at.target(), 0}};
  if (at.is_jump_to_register()) return {false, 1, {at.target(context), 0}};
  if (at.is_branch()) return {false, 2, {at.behind(), at.target()}};
  return {false, 1, {at.behind(), 0}};
}

inline void set_trap(ucontext_t&, bool) noexcept {}

inline long call(long number, long a = 0, long b = 0, long c = 0, long d = 0) noexcept {
  register long a7 asm("a7") = number;
  register long a0 asm("a0") = a;
  register long a1 asm("a1") = b;
  register long a2 asm("a2") = c;
  register long a3 asm("a3") = d;
  asm volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3) : "memory");
  return a0;
}

/// A fence.i is not enough: the kernel may go on with this thread on another processor.
inline void written(address where) noexcept {
  constexpr long this_thread_only = 1;
  const auto begin = static_cast<long>(where);
  call(SYS_riscv_flush_icache, begin, begin + long{sizeof(code)}, this_thread_only);
}

[[noreturn]] inline void resume(siginfo_t* info, ucontext_t*) noexcept {
  asm volatile("mv sp, %0; li a7, %1; ecall" : : "r"(info), "i"(SYS_rt_sigreturn) : "memory");
  __builtin_unreachable();
}

}  // namespace injection::architecture
