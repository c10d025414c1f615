// Every symbol that is unique in a process, and the note that marks an object with a copy of them.
// Objects that each link the static library each have a copy of all this; gnu_unique_object makes
// the dynamic linker choose one for all of them, with RTLD_LOCAL and hidden visibility too. It is
// assembly because clang cannot give a variable that binding, and a file of its own because
// link-time optimisation does not see what assembly inside C++ defines.
//
// src/abi.cpp asserts what fits; docs/explanation/abi.md explains it.

// Either so many zeros, or the address of something.
.macro unique name, section, flags, type, size=0, content
  .section \section\().\name, "\flags", @\type
  .globl \name
  .type \name, @gnu_unique_object
  .balign 64
\name:
  .ifb \content
  .zero \size
  .else
  .dc.a \content
  .endif
  .size \name, . - \name
.endm

unique sigsafe_abi1_this_thread, .tbss, awT, nobits, 512
unique sigsafe_abi1_process, .bss, aw, nobits, 512
unique sigsafe_abi1_table, .bss, aw, nobits, 16384
unique sigsafe_abi1_panic_function, .bss, aw, nobits, 8
unique sigsafe_abi1_trampoline_address, .data.rel.ro, aw, progbits, content=sigsafe_abi1_trampoline

// src/copies.cpp looks for it in every object, and describes the copy in sigsafe_copy. The type is
// the number of the ABI.
  .section .note.sigsafe, "a", @note
  .balign 4
  .globl sigsafe_note
  .hidden sigsafe_note
  .hidden sigsafe_copy
sigsafe_note:
  .long 8, 4, 1
  .asciz "sigsafe"
  .long sigsafe_copy - .

// There is no code here: a program whose other objects are made for control-flow integrity keeps
// that property.
#if defined(__x86_64__) || defined(__i386__)
#define FEATURES 0xc0000002
#elif defined(__aarch64__)
#define FEATURES 0xc0000000
#endif
#if defined(FEATURES)
#if defined(__LP64__)
#define WORD 8
#else
#define WORD 4
#endif
  .section .note.gnu.property, "a", @note
  .balign WORD
  .long 4, 8 + WORD, 5
  .asciz "GNU"
  .long FEATURES, 4, 3
  .balign WORD
#endif

  .section .note.GNU-stack, "", @progbits
