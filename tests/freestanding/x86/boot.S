// From the PVH loader, or from the first CPU's startup message, to C++: i386 and x86-64.

#define STACK_SIZE 65536
#define TRAMPOLINE 0x8000  // where board.cpp copies the second CPU's first instructions to

// The loader (QEMU) reads the entry from this note, of type 18, and enters it in 32-bit protected
// mode without paging, interrupts disabled and memory zeroed.
  .section .note.pvh, "a", @note
  .long 4, 8, 18
  .asciz "Xen"
  .long entry, 0

  .text
  .code32
  .global entry
entry:
  mov $first_stack + STACK_SIZE, %esp
  mov $kernel_main, %ebx
  jmp protected_mode

// The second CPU begins in 16-bit mode at the trampoline, knowing only its own page.
  .code16
  .global trampoline, trampoline_end
trampoline:
  cli
  xor %ax, %ax
  mov %ax, %ds
  lgdtl (descriptors_register - trampoline + TRAMPOLINE)
  mov %cr0, %eax
  or $1, %al
  mov %eax, %cr0
  ljmpl $0x08, $second_cpu
descriptors_register:
  .word descriptors_end - descriptors - 1
  .long descriptors
trampoline_end:

  .code32
second_cpu:
  mov $second_stack + STACK_SIZE, %esp
  mov $second_main, %ebx

// esp: the stack, ebx: the function to call there.
protected_mode:
  cld
  lgdt descriptors_register
  mov $0x10, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %ss
#if defined(__x86_64__)
  // Memory stays where it is: the first 4 GiB in pages of 2 MiB. Both CPUs write the same values.
  mov $page_directories, %edi
  mov $0x83, %eax  // present, writable, 2 MiB
  xor %ecx, %ecx
1:
  mov %eax, (%edi, %ecx, 8)
  add $0x200000, %eax
  inc %ecx
  cmp $2048, %ecx
  jne 1b
  mov $page_directories + 3, %eax
  mov %eax, page_pointers
  add $4096, %eax
  mov %eax, page_pointers + 8
  add $4096, %eax
  mov %eax, page_pointers + 16
  add $4096, %eax
  mov %eax, page_pointers + 24
  movl $page_pointers + 3, page_root

  mov $page_root, %eax
  mov %eax, %cr3
  mov %cr4, %eax
  or $0x20, %eax  // physical address extension
  mov %eax, %cr4
  mov $0xc0000080, %ecx  // EFER
  rdmsr
  or $0x100, %eax  // long mode
  wrmsr
  mov %cr0, %eax
  or $0x80000000, %eax  // paging
  mov %eax, %cr0
  ljmp $0x18, $long_mode
  .code64
long_mode:
  mov %ebx, %ebx  // the upper half is not defined by the switch
  call *%rbx
#else
  ljmp $0x08, $1f
1:
  call *%ebx
#endif
  ud2

  .section .rodata
  .balign 8
descriptors:
  .quad 0
  .quad 0x00cf9b000000ffff  // 0x08: 32-bit code
  .quad 0x00cf93000000ffff  // 0x10: data
  .quad 0x00af9b000000ffff  // 0x18: 64-bit code
descriptors_end:

  .bss
  .balign 4096
#if defined(__x86_64__)
page_root: .skip 4096
page_pointers: .skip 4096
page_directories: .skip 4 * 4096
#endif
first_stack: .skip STACK_SIZE
second_stack: .skip STACK_SIZE

  .section .note.GNU-stack, "", @progbits
