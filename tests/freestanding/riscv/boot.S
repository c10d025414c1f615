// RISC-V, 32 and 64 bit, on QEMU's virt machine: the first instructions of each hart, and the
// traps. The program runs in supervisor mode above the machine mode of this file; with
// BOARD_MACHINE_MODE there is machine mode only, and the program in it.

#if __riscv_xlen == 64
#define WORD 8
#define STORE sd
#define LOAD ld
#else
#define WORD 4
#define STORE sw
#define LOAD lw
#endif

// The registers of the mode that the program runs in.
#ifdef BOARD_MACHINE_MODE
#define XTVEC mtvec
#define XEPC mepc
#define XCAUSE mcause
#define XSTATUS mstatus
#define XRET mret
#else
#define XTVEC stvec
#define XEPC sepc
#define XCAUSE scause
#define XSTATUS sstatus
#define XRET sret
#endif

// Bits of mip, mie, sip, sie and mideleg.
#define SUPERVISOR_SOFTWARE (1 << 1)
#define MACHINE_SOFTWARE (1 << 3)
#define SUPERVISOR_TIMER (1 << 5)
#define MACHINE_TIMER (1 << 7)

#define CAUSE_MACHINE_TIMER 7  // an interrupt
#define CAUSE_SUPERVISOR_ECALL 9

#define CLINT_SOFTWARE 0x02000000  // a 32-bit word for each hart

#define STACK_SHIFT 16
#define MACHINE_STACK_SHIFT 12

  .section .text.boot, "ax"
  .globl _start
_start:  // every hart, in machine mode, interrupts disabled
  csrr tp, mhartid  // it stays there: see board::cpu()
  la sp, stacks
  addi t0, tp, 1
  slli t0, t0, STACK_SHIFT
  add sp, sp, t0
  beqz tp, first_hart

  // The others sleep until start_second_cpu. Their interrupt ends wfi although it is disabled.
  csrw mie, MACHINE_SOFTWARE
1:
  wfi
  csrr t0, mip
  andi t0, t0, MACHINE_SOFTWARE
  beqz t0, 1b
  li t0, CLINT_SOFTWARE
  slli t1, tp, 2
  add t0, t0, t1
  sw zero, (t0)
  fence
  j every_hart

first_hart:
  la t0, bss_begin
  la t1, bss_end
1:
  bgeu t0, t1, every_hart
  STORE zero, (t0)
  addi t0, t0, WORD
  j 1b

every_hart:
  csrw mie, zero
  la t0, trap
  csrw XTVEC, t0

#ifndef BOARD_MACHINE_MODE
  la t0, machine_trap
  csrw mtvec, t0
  la t0, machine_stacks
  addi t1, tp, 1
  slli t1, t1, MACHINE_STACK_SHIFT
  add t0, t0, t1
  csrw mscratch, t0

  // The program may access all memory, and the counters.
  li t0, -1
  csrw pmpaddr0, t0
  li t0, 0x1f  // one range for all addresses; read, write, execute
  csrw pmpcfg0, t0
  li t0, 7  // cycle, time, instret
  csrw mcounteren, t0

  // It gets the two interrupts of its mode; machine mode keeps the exceptions.
  li t0, SUPERVISOR_SOFTWARE | SUPERVISOR_TIMER
  csrw mideleg, t0
  csrw medeleg, zero
  csrw mie, MACHINE_SOFTWARE

  li t0, 3 << 11  // mstatus.MPP, where mret goes: from machine mode
  csrc mstatus, t0
  li t0, 1 << 11  // to supervisor mode
  csrs mstatus, t0
  la t0, program
  csrw mepc, t0
  mret
#endif

program:
  bnez tp, 1f
  call kernel_main
1:
  call board_second_cpu

// ---- traps of the program's mode ---------------------------------------------------------------

// Slot n keeps register n, but x0 and sp (x2) need none: there is what a nested interrupt would
// overwrite.
#define SLOT_EPC 0
#define SLOT_STATUS 2
#define FRAME_SIZE (32 * WORD)

.macro each_register load_or_store
  .irp n, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, \
          25, 26, 27, 28, 29, 30, 31
    \load_or_store x\n, \n * WORD(sp)
  .endr
.endm

  .balign 4
trap:
  addi sp, sp, -FRAME_SIZE
  each_register STORE
  csrr a0, XCAUSE
  csrr a1, XEPC
  csrr t0, XSTATUS
  STORE a1, SLOT_EPC * WORD(sp)
  STORE t0, SLOT_STATUS * WORD(sp)

  call board_trap

  LOAD t0, SLOT_EPC * WORD(sp)
  LOAD t1, SLOT_STATUS * WORD(sp)
  csrw XEPC, t0
  csrw XSTATUS, t1
  each_register LOAD
  addi sp, sp, FRAME_SIZE
  XRET

// ---- machine mode below a program in supervisor mode -------------------------------------------

#ifndef BOARD_MACHINE_MODE
// The timer and the other hart interrupt machine mode only, which passes it on. What is pending for
// the program is taken after mret, if it has interrupts enabled.
  .balign 4
machine_trap:
  csrrw sp, mscratch, sp
  STORE t0, -1 * WORD(sp)
  STORE t1, -2 * WORD(sp)
  csrr t0, mcause
  bgez t0, 2f
  slli t0, t0, 1  // without the top bit, which says that it is an interrupt
  li t1, CAUSE_MACHINE_TIMER << 1
  beq t0, t1, 1f

  li t0, CLINT_SOFTWARE
  slli t1, tp, 2
  add t0, t0, t1
  sw zero, (t0)
  csrsi mip, SUPERVISOR_SOFTWARE
  j 4f

1:  // It stays pending until mtimecmp is written, so it is held off.
  li t0, MACHINE_TIMER
  csrc mie, t0
  li t0, SUPERVISOR_TIMER
  csrs mip, t0
  j 4f

2:
  li t1, CAUSE_SUPERVISOR_ECALL
  bne t0, t1, 3f
  // What the program cannot do itself: take back the timer's interrupt, and let the next one
  // through if a0 is MACHINE_TIMER, not if it is 0.
  csrr t0, mepc
  addi t0, t0, 4
  csrw mepc, t0
  li t0, SUPERVISOR_TIMER
  csrc mip, t0
  li t0, MACHINE_TIMER
  csrc mie, t0
  csrs mie, a0
  j 4f

3:  // An exception. The program's stack may be the cause, so it is reported on this one.
  csrr a0, mcause
  csrr a1, mepc
  call board_trap

4:
  LOAD t0, -1 * WORD(sp)
  LOAD t1, -2 * WORD(sp)
  csrrw sp, mscratch, sp
  mret
#endif

  .section .stacks, "aw", @nobits
  .balign 16
stacks:
  .skip 2 << STACK_SHIFT
#ifndef BOARD_MACHINE_MODE
machine_stacks:
  .skip 2 << MACHINE_STACK_SHIFT
#endif
