// As much of a PC as the samples need: text, the local APIC with its timer, the table of
// interrupts.
#pragma once

namespace machine {

// ---- text
// ----------------------------------------------------------------------------------------

inline void write_port(unsigned short port, unsigned char value) noexcept {
  asm volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

inline void put(const char* text) noexcept {
  for (; *text != '\0'; ++text) write_port(0xe9, static_cast<unsigned char>(*text));
}
inline void put(unsigned long number) noexcept {
  if (number >= 10) put(number / 10);
  write_port(0xe9, static_cast<unsigned char>('0' + number % 10));
}

template <class... Parts>
void print(const Parts&... parts) noexcept {
  (put(parts), ...);
  put("\n");
}

/// Ends QEMU, by its device isa-debug-exit.
[[noreturn]] inline void end(bool good) noexcept {
  write_port(0xf4, good ? 0 : 1);
  for (;;) asm volatile("cli; hlt");
}

// ---- the local APIC
// ------------------------------------------------------------------------------

inline volatile unsigned& apic(unsigned long offset) noexcept {
  return *reinterpret_cast<volatile unsigned*>(0xfee00000 + offset);
}

/// Every interrupt handler says so when it is done with the device.
inline void acknowledge() noexcept { apic(0xb0) = 0; }

/// Whether an interrupt waits until it may come.
inline bool pending(unsigned vector) noexcept {
  return ((apic(0x200 + 16 * (vector / 32)) >> (vector % 32)) & 1) != 0;
}

inline void raise(unsigned vector) noexcept { apic(0x300) = 1U << 18 | vector; }

inline void start_timer(unsigned vector, unsigned nanoseconds) noexcept {
  apic(0xf0) = 0x1ff;               // on; spurious interrupts have vector 255
  apic(0x3e0) = 0xb;                // QEMU's timer counts nanoseconds, undivided
  apic(0x320) = 1U << 17 | vector;  // again and again
  apic(0x380) = nanoseconds;
}

/// Interrupts whose vector begins with this hexadecimal digit, or a lower one, wait.
inline unsigned long priority() noexcept {
  unsigned long value;
  asm volatile("mov %%cr8, %0" : "=r"(value)::"memory");
  return value;
}

/// Returns the priority before. Like every backend, the compiler moves no access across it.
inline unsigned long set_priority(unsigned long value) noexcept {
  const unsigned long before = priority();
  asm volatile("mov %0, %%cr8" ::"r"(value) : "memory");
  return before;
}

// ---- interrupts
// ----------------------------------------------------------------------------------

struct frame {
  unsigned long ip, cs, flags, sp, ss;
};
using handler = void(frame*);

struct gate {
  unsigned short offset_low, segment, type, offset_middle;
  unsigned offset_high, zero;
};
inline gate gates[256];

inline void set_handler(unsigned vector, handler* called) noexcept {
  const auto offset = reinterpret_cast<unsigned long>(called);
  gates[vector] = {
      static_cast<unsigned short>(offset), 8, 0x8e00, static_cast<unsigned short>(offset >> 16),
      static_cast<unsigned>(offset >> 32), 0};
}

inline void enable_interrupts() noexcept {
  const struct [[gnu::packed]] {
    unsigned short limit;
    gate* base;
  } table{sizeof(gates) - 1, gates};
  asm volatile("lidt %0\n\tsti" ::"m"(table) : "memory");
}

}  // namespace machine
