// From the loader's 32-bit mode to kernel_main in 64-bit mode. Nothing here is about sigsafe.

// QEMU finds the entry by this note (PVH, type 18) and enters it with interrupts disabled.
  .section .note.pvh, "a", @note
  .long 4, 8, 18
  .asciz "Xen"
  .long entry, 0

  .text
  .code32
  .global entry
entry:
  mov $stack_end, %esp

  // Long mode needs pages: four times 512 of 2 MiB, each where it is.
  mov $directories, %edi
  mov $0x83, %eax  // present, writable, 2 MiB
1:
  mov %eax, (%edi)
  add $0x200000, %eax
  add $8, %edi
  cmp $directories_end, %edi
  jne 1b
  movl $directories + 0x0003, pointers
  movl $directories + 0x1003, pointers + 8
  movl $directories + 0x2003, pointers + 16
  movl $directories + 0x3003, pointers + 24
  movl $pointers + 3, root
  mov $root, %eax
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
  lgdt descriptors_register
  ljmp $8, $2f

  .code64
2:
  xor %eax, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %ss
  call kernel_main
  ud2

  .section .rodata
  .balign 8
descriptors:
  .quad 0
  .quad 0x00af9b000000ffff  // 8: 64-bit code
descriptors_register:
  .word 15
  .long descriptors

  .bss
  .balign 4096
root: .skip 4096
pointers: .skip 4096
directories: .skip 4 * 4096
directories_end:
  .skip 65536
stack_end:

  .section .note.GNU-stack, "", @progbits
