// RISC-V, 32 and 64 bit, on QEMU's virt machine: CLINT, NS16550 and sifive_test. The program is in
// supervisor mode, above the machine mode of boot.S; or in machine mode with BOARD_MACHINE_MODE.
#include <tests/freestanding/board.hpp>

namespace board {

namespace {

// hw/riscv/virt.c of QEMU.
constexpr unsigned long finisher = 0x00100000;
constexpr unsigned finisher_pass = 0x5555;
constexpr unsigned finisher_fail = 0x3333 | 1U << 16;  // the emulator's exit status is 1

constexpr unsigned long clint_software = 0x02000000;  // 4 bytes for each hart
constexpr unsigned long clint_deadline = 0x02004000;  // 8 bytes for each hart

constexpr unsigned long uart_data = 0x10000000;
constexpr unsigned long uart_status = uart_data + 5;
constexpr unsigned uart_ready = 1U << 5;

// Control and status registers. The numbers of the interrupts are causes, and bits of the registers
// above them.
constexpr unsigned cycle = 0xc00;
constexpr unsigned time = 0xc01;
constexpr unsigned upper_half = 0x80;  // further on, with 32 bits
#ifdef BOARD_MACHINE_MODE
constexpr unsigned status = 0x300;
constexpr unsigned interrupts_enabled = 0x304;
constexpr unsigned interrupts_pending = 0x344;
constexpr unsigned software_interrupt = 3;
constexpr unsigned timer_interrupt = 7;
#else
constexpr unsigned status = 0x100;
constexpr unsigned interrupts_enabled = 0x104;
constexpr unsigned interrupts_pending = 0x144;
constexpr unsigned software_interrupt = 1;
constexpr unsigned timer_interrupt = 5;
#endif
constexpr unsigned long status_sum = 1UL << 18;
constexpr unsigned long cause_is_interrupt = 1UL << (__riscv_xlen - 1);

constexpr unsigned long long never = ~0ULL;

void (*second_run)() = nullptr;

template <class Word>
volatile Word& device(unsigned long address) noexcept {
  return *reinterpret_cast<volatile Word*>(address);
}

template <unsigned Register>
unsigned long read() noexcept {
  unsigned long value;
  asm volatile("csrr %0, %1" : "=r"(value) : "i"(Register) : "memory");
  return value;
}

template <unsigned Register>
void set(unsigned long bits) noexcept {
  asm volatile("csrs %0, %1" ::"i"(Register), "r"(bits) : "memory");
}

template <unsigned Register>
void clear(unsigned long bits) noexcept {
  asm volatile("csrc %0, %1" ::"i"(Register), "r"(bits) : "memory");
}

template <unsigned Counter>
unsigned long long count() noexcept {
#if __riscv_xlen == 64
  return read<Counter>();
#else
  for (;;) {
    const unsigned long long high = read<Counter + upper_half>();
    const unsigned long low = read<Counter>();
    if (read<Counter + upper_half>() == high) return high << 32 | low;
  }
#endif
}

void set_deadline(unsigned long long at) noexcept {
  const unsigned long mine = clint_deadline + 8 * cpu();
#if __riscv_xlen == 64
  device<unsigned long>(mine) = at;
#else
  // From never and to never, what is there between the two writes is late enough.
  device<unsigned>(mine) = static_cast<unsigned>(at);
  device<unsigned>(mine + 4) = static_cast<unsigned>(at >> 32);
#endif
}

/// Takes back a pending interrupt of the timer. The next one comes through, or not.
void reset_timer([[maybe_unused]] bool next) noexcept {
  set_deadline(never);
#ifndef BOARD_MACHINE_MODE
  // Its bits are the machine mode's; see boot.S.
  register unsigned long request asm("a0") = next ? 1UL << 7 : 0;
  asm volatile("ecall" ::"r"(request) : "memory");
#endif
}

[[noreturn]] void halt() noexcept {
  for (;;) asm volatile("wfi");
}

}  // namespace

extern "C" {  // boot.S calls these

void board_trap(unsigned long cause, unsigned long pc) noexcept {
  if (cause == (cause_is_interrupt | timer_interrupt)) {
    disarm_timer();
    on_interrupt(line::timer, pc);
  } else if (cause == (cause_is_interrupt | software_interrupt)) {
#ifdef BOARD_MACHINE_MODE
    device<unsigned>(clint_software + 4 * cpu()) = 0;
#else
    clear<interrupts_pending>(1UL << software_interrupt);
#endif
    asm volatile("fence" ::: "memory");  // on_interrupt sees what the other hart wrote before
    on_interrupt(line::software, pc);
  } else {
    on_exception(cause, pc);
  }
}

[[noreturn]] void board_second_cpu() noexcept {
  start();
  second_run();
  halt();
}

}  // extern "C"

void start() noexcept {
  disarm_timer();
  set<interrupts_enabled>(1UL << software_interrupt | 1UL << timer_interrupt);
}

void enable() noexcept { set<status>(1UL << software_interrupt); }

void put(char c) noexcept {
  while ((device<unsigned char>(uart_status) & uart_ready) == 0) {}
  device<unsigned char>(uart_data) = static_cast<unsigned char>(c);
}

void end(bool passed) noexcept {
  device<unsigned>(finisher) = passed ? finisher_pass : finisher_fail;
  halt();
}

void raise() noexcept {
#ifdef BOARD_MACHINE_MODE
  raise_on(cpu());
#else
  set<interrupts_pending>(1UL << software_interrupt);
#endif
}

void raise_on(unsigned cpu) noexcept {
  asm volatile("fence" ::: "memory");  // its handler sees what this hart wrote before
  device<unsigned>(clint_software + 4 * cpu) = 1;
}

// A tick is 100 ns: the CLINT of the virt machine counts with 10 MHz. The time until the interrupt
// is up to a tick shorter, as the counter is read between two; so it grows by less than two from
// one number of ticks to the next. With -icount shift=8, 256 ns an instruction, it skips none.
void arm_timer(unsigned long ticks) noexcept {
  reset_timer(true);
  set_deadline(count<time>() + ticks);
}

void disarm_timer() noexcept { reset_timer(false); }

bool pending(line from) noexcept {
  const unsigned interrupt = from == line::timer ? timer_interrupt : software_interrupt;
  const unsigned long all = read<interrupts_pending>();
#ifdef BOARD_MACHINE_MODE
  // Another thread of QEMU shows the bit a moment before it interrupts this hart. It holds a lock
  // until then, which this access waits for.
  [[maybe_unused]] const unsigned waited = device<unsigned>(clint_software);
#endif
  return (all >> interrupt & 1) != 0;
}

// Under -icount QEMU's cycle counts nanoseconds, of which an instruction takes 256 with shift=8.
unsigned long instructions() noexcept { return static_cast<unsigned long>(count<cycle>() >> 8); }

void flip_foreign_bit() noexcept {
  if (foreign_bit())
    clear<status>(status_sum);
  else
    set<status>(status_sum);
}

bool foreign_bit() noexcept { return (read<status>() & status_sum) != 0; }

unsigned cpu() noexcept {
  unsigned long hart;
  asm volatile("mv %0, tp" : "=r"(hart));  // boot.S puts it there
  return static_cast<unsigned>(hart);
}

void start_second_cpu(void (*run)()) noexcept {
  second_run = run;
  raise_on(1);
}

}  // namespace board
