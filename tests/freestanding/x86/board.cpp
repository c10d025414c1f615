// x86, 32 and 64 bit, on QEMU's microvm: interrupts by the local APIC, output by the debug console.
#include <tests/freestanding/board.hpp>

extern "C" const char trampoline[], trampoline_end[];

namespace board {
namespace {

using word = unsigned long;
using mmio = volatile unsigned;

// A higher vector has the higher priority; its upper four bits are the priority class.
constexpr unsigned software_vector = 0x31, timer_vector = 0x41, spurious_vector = 0xff;

namespace apic {

enum register_offset : word {
  id = 0x20,
  task_priority = 0x80,
  end_of_interrupt = 0xb0,
  spurious = 0xf0,
  requests = 0x200,  // 256 bits, 32 in each 16 bytes
  command = 0x300,
  command_target = 0x310,
  timer = 0x320,
  timer_count = 0x380,
  timer_divisor = 0x3e0,
};
constexpr unsigned enabled = 1 << 8, divide_by_1 = 0xb;
constexpr unsigned to_self = 1 << 18, init = 0x4500, startup = 0x4600;

mmio& at(word offset) { return *reinterpret_cast<mmio*>(0xfee00000UL + offset); }

bool requested(unsigned vector) {
  return ((at(requests + 16 * (vector / 32)) >> (vector % 32)) & 1) != 0;
}

}  // namespace apic

void write_port(unsigned short port, unsigned char value) {
  asm volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

constexpr word alignment_check = 1 << 18;  // a flag that does nothing in a kernel

word flags() {
  word value;
  asm volatile("pushf\n\tpop %0" : "=r"(value)::"memory");
  return value;
}

// ---- interrupts
// ----------------------------------------------------------------------------------

struct frame {
  word ip, cs, flags, sp, ss;
};

/// Of each CPU: a pending interrupt of the APIC cannot be taken back, but not be heeded.
volatile bool timer_armed[2];

[[gnu::interrupt]] void on_software(frame* interrupted) {
  apic::at(apic::end_of_interrupt) = 0;
  on_interrupt(line::software, interrupted->ip);
}

[[gnu::interrupt]] void on_timer(frame* interrupted) {
  apic::at(apic::end_of_interrupt) = 0;
  if (!timer_armed[cpu()]) return;
  timer_armed[cpu()] = false;
  on_interrupt(line::timer, interrupted->ip);
}

[[gnu::interrupt]] void on_spurious(frame*) {}

template <unsigned Vector>
[[gnu::interrupt]] void on_fault(frame* interrupted) {
  on_exception(Vector, interrupted->ip);
}

template <unsigned Vector>
[[gnu::interrupt]] void on_fault_with_code(frame* interrupted, word) {
  on_exception(Vector, interrupted->ip);
}

#if defined(__x86_64__)
constexpr unsigned short code_segment = 0x18;
struct gate {
  unsigned short offset_low, segment, type, offset_middle;
  unsigned offset_high, zero;
};
#else
constexpr unsigned short code_segment = 0x08;
struct gate {
  unsigned short offset_low, segment, type, offset_middle;
};
#endif

gate gates[256];

template <class Handler>
void set_gate(unsigned vector, Handler* handler) {
  const word offset = reinterpret_cast<word>(handler);
  gate& to = gates[vector];
  to.offset_low = static_cast<unsigned short>(offset);
  to.segment = code_segment;
  to.type = 0x8e00;  // present, interrupts disabled on entry
  to.offset_middle = static_cast<unsigned short>(offset >> 16);
#if defined(__x86_64__)
  to.offset_high = static_cast<unsigned>(offset >> 32);
#endif
}

void load_gates() {
  set_gate(0, on_fault<0>);
  set_gate(6, on_fault<6>);
  set_gate(8, on_fault_with_code<8>);
  set_gate(13, on_fault_with_code<13>);
  set_gate(14, on_fault_with_code<14>);
  set_gate(software_vector, on_software);
  set_gate(timer_vector, on_timer);
  set_gate(spurious_vector, on_spurious);
  const struct [[gnu::packed]] {
    unsigned short limit;
    word base;
  } table{sizeof(gates) - 1, reinterpret_cast<word>(gates)};
  asm volatile("lidt %0" ::"m"(table));
}

// ---- the second CPU
// ------------------------------------------------------------------------------

void (*volatile run_on_second)();
volatile bool second_runs;

}  // namespace

extern "C" [[noreturn]] void second_main() noexcept {
  second_runs = true;
  start();
  run_on_second();
  for (;;) asm volatile("cli; hlt");
}

void start() noexcept {
  load_gates();
  apic::at(apic::spurious) = apic::enabled | spurious_vector;
  apic::at(apic::task_priority) = 0;
  apic::at(apic::timer_divisor) = apic::divide_by_1;
  apic::at(apic::timer) = timer_vector;
}

void enable() noexcept {
  apic::at(apic::task_priority) = 0;
  asm volatile("sti\n\tnop" ::: "memory");
}

void put(char c) noexcept { write_port(0xe9, static_cast<unsigned char>(c)); }

void end(bool passed) noexcept {
  // isa-debug-exit: QEMU's exit status is twice the value and one.
  write_port(0xf4, passed ? 0 : 1);
  for (;;) asm volatile("cli; hlt");
}

void raise() noexcept { apic::at(apic::command) = apic::to_self | software_vector; }

void raise_on(unsigned target) noexcept {
  apic::at(apic::command_target) = target << 24;
  apic::at(apic::command) = software_vector;
}

void arm_timer(unsigned long ticks) noexcept {
  timer_armed[cpu()] = true;
  apic::at(apic::timer_count) = static_cast<unsigned>(ticks);
}

void disarm_timer() noexcept {
  apic::at(apic::timer_count) = 0;
  timer_armed[cpu()] = false;
  if (!pending(line::timer)) return;
  // Its handler drops it; of the two only the timer has this priority.
  const word before = flags();
  const unsigned priority = apic::at(apic::task_priority);
  apic::at(apic::task_priority) = timer_vector - 0x10;
  asm volatile("sti\n\tnop\n\tnop\n\tpush %0\n\tpopf" ::"r"(before) : "memory", "cc");
  apic::at(apic::task_priority) = priority;
}

bool pending(line from) noexcept {
  return apic::requested(from == line::timer ? timer_vector : software_vector);
}

// With -icount shift=0 the time stamp counts nanoseconds of one instruction each.
unsigned long instructions() noexcept { return static_cast<unsigned long>(__builtin_ia32_rdtsc()); }

void flip_foreign_bit() noexcept {
  asm volatile("push %0\n\tpopf" ::"r"(flags() ^ alignment_check) : "memory", "cc");
}

bool foreign_bit() noexcept { return (flags() & alignment_check) != 0; }

unsigned cpu() noexcept { return apic::at(apic::id) >> 24; }

void start_second_cpu(void (*run)()) noexcept {
  run_on_second = run;
  constexpr word page = 0x8000;
  for (word i = 0; trampoline + i != trampoline_end; ++i)
    reinterpret_cast<volatile char*>(page)[i] = trampoline[i];
  apic::at(apic::command_target) = 1 << 24;
  apic::at(apic::command) = apic::init;
  // It heeds one startup message, and only when it has dealt with the first.
  while (!second_runs) {
    apic::at(apic::command) = apic::startup | static_cast<unsigned>(page >> 12);
    for (unsigned i = 0; i < 100'000 && !second_runs; ++i) __builtin_ia32_pause();
  }
}

}  // namespace board
