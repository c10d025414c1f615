// aarch64 on QEMU's virt machine: the first instructions of each CPU, and the exception vectors.
// Everything runs at EL1 with the MMU off.

#define STACK_SIZE 0x10000

// What an interrupt must put back: x0 to x30, then ELR and SPSR, which a nested one would
// overwrite. The stack pointer stays a multiple of 16.
#define SAVED_STATE (31 * 8)
#define FRAME_SIZE (34 * 8)

  .section .text.boot, "ax"
  .globl _start
_start:
  ldr x0, =first_stack_end
  mov sp, x0
  ldr x0, =vectors
  msr vbar_el1, x0

  // The linker script aligns both ends of .bss to 16.
  ldr x0, =bss_begin
  ldr x1, =bss_end
1:
  cmp x0, x1
  b.hs 2f
  stp xzr, xzr, [x0], #16
  b 1b
2:
  bl kernel_main

// PSCI starts the second CPU here; x0 is what start_second_cpu gave.
  .globl board_second_entry
board_second_entry:
  ldr x1, =second_stack_end
  mov sp, x1
  ldr x1, =vectors
  msr vbar_el1, x1
  bl board_second_cpu

// Each vector has room for 32 instructions.
.macro vector target
  .balign 128
  b \target
.endm

  .balign 2048
vectors:
  .rept 4  // from EL1 on the stack of EL0, which nothing uses
    vector exception
  .endr
  vector exception  // from EL1 on its own stack: synchronous,
  vector interrupt  // IRQ,
  vector exception  // FIQ,
  vector exception  // SError
  .rept 8  // from EL0, which nothing enters
    vector exception
  .endr

.macro each_register load_or_store
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, \
          23, 24, 25, 26, 27, 28, 29, 30
    \load_or_store x\n, [sp, #\n * 8]
  .endr
.endm

interrupt:
  sub sp, sp, #FRAME_SIZE
  each_register str
  mrs x0, elr_el1
  mrs x1, spsr_el1
  stp x0, x1, [sp, #SAVED_STATE]

  bl board_interrupt  // x0: the interrupted pc

  ldp x0, x1, [sp, #SAVED_STATE]
  msr elr_el1, x0
  msr spsr_el1, x1
  each_register ldr
  add sp, sp, #FRAME_SIZE
  eret

exception:
  mrs x0, esr_el1
  mrs x1, elr_el1
  bl board_exception

  .section .stacks, "aw", @nobits
  .balign 16
  .skip STACK_SIZE
first_stack_end:
  .skip STACK_SIZE
second_stack_end:
