// aarch64 on QEMU's virt machine: GICv3, the virtual timer, PL011, PSCI and semihosting.
#include <tests/freestanding/board.hpp>

namespace board {

namespace {

// hw/arm/virt.c of QEMU; the offsets are those of the PL011's and the GICv3's specifications.
constexpr unsigned long uart = 0x09000000;
constexpr unsigned long uart_data = uart + 0x00;
constexpr unsigned long uart_flags = uart + 0x18;
constexpr unsigned uart_full = 1U << 5;

constexpr unsigned long distributor_control = 0x08000000;
constexpr unsigned enable_group_1 = 1U << 1;
constexpr unsigned affinity_routing = 1U << 4;

constexpr unsigned long redistributors = 0x080a0000;
constexpr unsigned long redistributor_size = 0x20000;  // of each CPU
constexpr unsigned long wake = 0x0014;
constexpr unsigned processor_sleeps = 1U << 1;
constexpr unsigned children_asleep = 1U << 2;
constexpr unsigned long group = 0x10080;
constexpr unsigned long set_enabled = 0x10100;
constexpr unsigned long set_pending = 0x10200;
constexpr unsigned long priority = 0x10400;  // one byte each

constexpr unsigned software_interrupt = 0;
constexpr unsigned timer_interrupt = 27;  // what every machine wires the virtual timer to
constexpr unsigned first_special_interrupt = 1020;

constexpr unsigned long psci_cpu_on = 0xc4000003;
constexpr unsigned long semihosting_exit = 0x18;
constexpr unsigned long application_exit = 0x20026;

constexpr unsigned long daif_serror = 1UL << 8;

template <class Word>
volatile Word& device(unsigned long address) noexcept {
  return *reinterpret_cast<volatile Word*>(address);
}

unsigned long redistributor() noexcept { return redistributors + cpu() * redistributor_size; }

constexpr unsigned number(line of) noexcept {
  return of == line::timer ? timer_interrupt : software_interrupt;
}

[[noreturn]] void halt() noexcept {
  for (;;) asm volatile("wfi");
}

}  // namespace

extern "C" {

void board_second_entry() noexcept;  // in boot.S, as are the callers of the other three

void board_interrupt(unsigned long pc) noexcept {
  unsigned long interrupt;
  // Behind the barrier is what another CPU wrote before it raised.
  asm volatile("mrs %0, icc_iar1_el1\n\tdsb sy" : "=r"(interrupt)::"memory");
  // The CPU had seen it, but it was taken back before this.
  if (interrupt >= first_special_interrupt) return;
  const line from = interrupt == timer_interrupt ? line::timer : line::software;
  // The timer holds its line until it is disarmed: that comes first, or it would be pending again.
  if (from == line::timer) disarm_timer();
  asm volatile("msr icc_eoir1_el1, %0\n\tisb" ::"r"(interrupt) : "memory");
  on_interrupt(from, pc);
}

[[noreturn]] void board_exception(unsigned long cause, unsigned long pc) noexcept {
  on_exception(cause, pc);
}

[[noreturn]] void board_second_cpu(void (*run)()) noexcept {
  start();
  run();
  halt();
}

}  // extern "C"

void start() noexcept {
  // Both CPUs write the same.
  device<unsigned>(distributor_control) = affinity_routing | enable_group_1;

  const unsigned long mine = redistributor();
  device<unsigned>(mine + wake) = device<unsigned>(mine + wake) & ~processor_sleeps;
  while ((device<unsigned>(mine + wake) & children_asleep) != 0) {}
  constexpr unsigned both = 1U << software_interrupt | 1U << timer_interrupt;
  device<unsigned>(mine + group) = both;
  device<unsigned char>(mine + priority + software_interrupt) = 0x80;
  device<unsigned char>(mine + priority + timer_interrupt) = 0x80;
  device<unsigned>(mine + set_enabled) = both;

  constexpr unsigned long system_registers = 1;
  constexpr unsigned long all_priorities = 0xff;
  constexpr unsigned long enable = 1;
  asm volatile("msr icc_sre_el1, %0\n\tisb" ::"r"(system_registers) : "memory");
  asm volatile("msr icc_pmr_el1, %0" ::"r"(all_priorities) : "memory");
  asm volatile("msr icc_igrpen1_el1, %0\n\tisb" ::"r"(enable) : "memory");
}

void enable() noexcept { asm volatile("msr daifclr, #3\n\tisb" ::: "memory"); }

void put(char c) noexcept {
  while ((device<unsigned>(uart_flags) & uart_full) != 0) {}
  device<unsigned>(uart_data) = static_cast<unsigned char>(c);
}

void end(bool passed) noexcept {
  const unsigned long block[] = {application_exit, passed ? 0UL : 1UL};
  register unsigned long operation asm("x0") = semihosting_exit;
  register const unsigned long* parameters asm("x1") = block;
  asm volatile("hlt #0xf000" : "+r"(operation) : "r"(parameters) : "memory");
  halt();
}

void raise() noexcept { raise_on(cpu()); }

void raise_on(unsigned cpu) noexcept {
  const unsigned long request = 1UL << cpu | static_cast<unsigned long>(software_interrupt) << 24;
  // Its handler on another CPU must see what this one wrote before.
  asm volatile("dsb ishst\n\tmsr icc_sgi1r_el1, %0\n\tisb" ::"r"(request) : "memory");
}

// A tick is 16 ns: QEMU's cortex-a57 counts with 62.5 MHz.
void arm_timer(unsigned long ticks) noexcept {
  asm volatile("msr cntv_tval_el0, %0" ::"r"(ticks) : "memory");
  asm volatile("msr cntv_ctl_el0, %0\n\tisb" ::"r"(1UL) : "memory");
}

void disarm_timer() noexcept {
  // The interrupt is its line's level: there is nothing else to take back.
  asm volatile("msr cntv_ctl_el0, xzr\n\tisb" ::: "memory");
}

bool pending(line from) noexcept {
  return (device<unsigned>(redistributor() + set_pending) >> number(from) & 1U) != 0;
}

// The timer's counter: with -icount shift=4 an instruction takes 16 ns, which is one tick.
unsigned long instructions() noexcept {
  unsigned long count;
  asm volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(count)::"memory");
  return count;
}

void flip_foreign_bit() noexcept {
  unsigned long daif;
  asm volatile("mrs %0, daif" : "=r"(daif)::"memory");
  asm volatile("msr daif, %0" ::"r"(daif ^ daif_serror) : "memory");
}

bool foreign_bit() noexcept {
  unsigned long daif;
  asm volatile("mrs %0, daif" : "=r"(daif)::"memory");
  return (daif & daif_serror) != 0;
}

unsigned cpu() noexcept {
  unsigned long affinity;
  asm volatile("mrs %0, mpidr_el1" : "=r"(affinity));
  return static_cast<unsigned>(affinity & 0xff);
}

void start_second_cpu(void (*run)()) noexcept {
  register unsigned long operation asm("x0") = psci_cpu_on;
  register unsigned long affinity asm("x1") = 1;
  register void (*entry)() asm("x2") = board_second_entry;
  register void (*context)() asm("x3") = run;
  asm volatile("dsb ishst\n\thvc #0"
               : "+r"(operation), "+r"(affinity), "+r"(entry), "+r"(context)
               :
               : "memory");
}

}  // namespace board
