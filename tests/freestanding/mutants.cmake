# Broken copies of the library's headers: for each guarantee at least one that breaks it, in a program
# whose case must fail.

# sigsafe_build_mutant(<object> <program> <target> <tree> <option>...): with the mutated header in <tree>,
# which is found first; only the program uses it. Its warnings are of no interest.
function(sigsafe_build_mutant object program target tree)
  set(command ${${target}_compiler})
  list(POP_FRONT command compiler)
  sigsafe_build(${object} ${CMAKE_CURRENT_SOURCE_DIR}/${program}.cpp ${compiler} -I${tree} ${command} -w
                ${ARGN})
endfunction()

# sigsafe_freestanding_mutant(<name> <header> <program> <cases, see ./fails> <targets>
#                             <old text> <new text> [up to three pairs])
function(sigsafe_freestanding_mutant name header program cases targets)
  set(tree ${CMAKE_CURRENT_BINARY_DIR}/mutants/${name})
  string(REGEX MATCH "^(flat|counted)/" backend ${cases})
  string(TOUPPER "${CMAKE_MATCH_1}" backend)
  # An empty old text stands for none.
  sigsafe_mutate(${name} ${header} ${tree}/sigsafe/${header} "${ARGV5}" "${ARGV6}" "${ARGV7}" "${ARGV8}"
                 "${ARGV9}" "${ARGV10}")
  foreach(target IN LISTS targets)
    if(NOT ${target}_support)
      continue()
    endif()
    set(object ${tree}/${target}/${program}.o)
    sigsafe_build_mutant(${object} ${program} ${target} ${tree} -DONLY_${backend})
    set(image ${tree}/${target}/${program}.elf)
    sigsafe_link(${target} ${image} ${${target}_support} ${object})
    sigsafe_freestanding_part(mutant_${name}_${target} ${image})

    set(test freestanding/mutants/${target}/${name})
    add_test(NAME ${test} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/fails ${tree}/${target}/report ${cases} 5
                                  ${${target}_${program}} -kernel ${image})
    set_tests_properties(${test} PROPERTIES LABELS freestanding TIMEOUT 20 PROCESSORS
                                            ${processors_of_${program}})
  endforeach()
endfunction()

# ---- x86 ---------------------------------------------------------------------------------------

set(x86 x86_64 i386)

sigsafe_freestanding_mutant(x86_without_cli backend/x86.hpp every_instruction flat/guard/holds "${x86}"
  [[asm volatile("cli" ::: "memory");]] [[asm volatile("" ::: "memory");]])
sigsafe_freestanding_mutant(x86_sti_alone backend/x86.hpp conformance
  flat/backend/restore_puts_back_what_was|flat/guard/an_interrupt_inside_is_handled_before_the_next_statement
  "${x86}"
  [[asm volatile("sti\n\tnop" ::: "memory");]] [[asm volatile("sti" ::: "memory");]])
sigsafe_freestanding_mutant(x86_never_enables backend/x86.hpp conformance
  flat/backend/restore_puts_back_what_was x86_64
  [[if (outside) asm volatile("sti\n\tnop" ::: "memory");]] [[]])
sigsafe_freestanding_mutant(x86_always_enables backend/x86.hpp conformance
  flat/backend/restore_puts_back_what_was x86_64
  [[if (outside) asm]] [[asm]])
sigsafe_freestanding_mutant(x86_all_flags_restored backend/x86.hpp conformance
  flat/status/a_foreign_bit_that_a_holder_changes_stays_changed x86_64
  [[  using state_type = bool;  // were interrupts enabled?

  static state_type disable() noexcept {
    const bool outside = enabled();]]
  [[  struct state_type {
    unsigned long all;
    explicit operator bool() const { return (all & 0x200) != 0; }
  };

  static state_type disable() noexcept {
    const state_type outside{flags()};]]
  [[if (outside) asm volatile("sti\n\tnop" ::: "memory");]]
  [[asm volatile("push %0\n\tpopf\n\tnop" ::"r"(outside.all) : "memory");]]
  [[detail::require_outermost(outside, where)]]
  [[detail::require_outermost(static_cast<bool>(outside), where)]])
sigsafe_freestanding_mutant(x86_halts_after_the_check backend/x86.hpp every_instruction
  flat/wait/misses_no_interrupt "${x86}"
  [[asm volatile("sti\n\thlt\n\tcli" ::: "memory");]]
  [[asm volatile("sti\n\tnop\n\thlt\n\tcli" ::: "memory");]])
sigsafe_freestanding_mutant(x86_enabled_after_wait backend/x86.hpp conformance
  flat/wait/interrupts_are_disabled_afterwards x86_64
  [["sti\n\thlt\n\tcli"]] [["sti\n\thlt"]])
sigsafe_freestanding_mutant(x86_nested_wait backend/x86.hpp conformance
  flat/wait/in_a_nested_guard_panics x86_64
  [[detail::require_outermost(outside, where);]] [[static_cast<void>(outside), static_cast<void>(where);]])

# ---- aarch64 ------------------------------------------------------------------------------------

sigsafe_freestanding_mutant(aarch64_without_mask backend/aarch64.hpp every_instruction flat/guard/holds
  aarch64
  [[asm volatile("msr daifset, %0" ::"i"(Owned >> 6) : "memory");]] [[asm volatile("" ::: "memory");]])
sigsafe_freestanding_mutant(aarch64_always_enables backend/aarch64.hpp conformance
  flat/backend/restore_puts_back_what_was aarch64
  [[    if (outside == Owned) return;
]] [[    outside = 0;
]])
sigsafe_freestanding_mutant(aarch64_all_masks_restored backend/aarch64.hpp conformance
  flat/status/a_foreign_bit_that_a_holder_changes_stays_changed aarch64
  [["r"((daif & ~Owned) | outside)]] [["r"(outside)]])
sigsafe_freestanding_mutant(aarch64_sleeps_after_the_check backend/aarch64.hpp every_instruction
  flat/wait/misses_no_interrupt aarch64
  [[    asm volatile("dsb sy\n\twfi" ::: "memory");
    restore(outside);]]
  [[    restore(outside);
    asm volatile("dsb sy\n\twfi" ::: "memory");]])

# ---- RISC-V -------------------------------------------------------------------------------------

set(riscv riscv64 riscv64_machine_mode)

sigsafe_freestanding_mutant(riscv_without_disable backend/riscv.hpp every_instruction flat/guard/holds
  "${riscv}"
  [[      asm volatile("csrrci %0, mstatus, %1"]] [[      asm volatile("csrr %0, mstatus"]]
  [[      asm volatile("csrrci %0, sstatus, %1"]] [[      asm volatile("csrr %0, sstatus"]])
sigsafe_freestanding_mutant(riscv_always_enables backend/riscv.hpp conformance
  flat/backend/restore_puts_back_what_was riscv64
  [[    if (!outside) return;
]] [[    static_cast<void>(outside);
]])
sigsafe_freestanding_mutant(riscv_all_bits_restored backend/riscv.hpp conformance
  flat/status/a_foreign_bit_that_a_holder_changes_stays_changed "${riscv}"
  [[asm volatile("csrsi mstatus, %0" ::"i"(interrupt_enable) : "memory");]]
  [[asm volatile("csrw mstatus, %0" ::"r"(interrupt_enable | 3 << 11) : "memory");]]
  [[asm volatile("csrsi sstatus, %0" ::"i"(interrupt_enable) : "memory");]]
  [[asm volatile("csrw sstatus, %0" ::"r"(interrupt_enable) : "memory");]])
sigsafe_freestanding_mutant(riscv_sleeps_after_the_check backend/riscv.hpp every_instruction
  flat/wait/misses_no_interrupt riscv64
  [[    asm volatile("wfi" ::: "memory");
    restore(outside);]]
  [[    restore(outside);
    asm volatile("wfi" ::: "memory");]])

# ---- what all processors share -----------------------------------------------------------------

set(all x86_64 aarch64 riscv64)

sigsafe_freestanding_mutant(enabled_before_unlock mutex.hpp every_instruction flat/mutex/lock_holds
  "${all}"
  [[    lock_.unlock();
    outside.end();]]
  [[    outside.end();
    lock_.unlock();]])
sigsafe_freestanding_mutant(lock_before_disable mutex.hpp every_instruction flat/mutex/lock_holds x86_64
  [[    acquire(where, [this, where]() noexcept(noexcept(std::declval<L&>().lock())) {
      holder_.before_lock(where);
      lock_.lock();
      return true;
    });]]
  [[    lock_.lock();
    acquire(where, []() noexcept { return true; });]])
sigsafe_freestanding_mutant(state_read_after_unlock mutex.hpp conformance
  flat/mutex/the_next_holder_does_not_change_what_comes_back x86_64
  [[    const detail::owner<B> outside = owner_;
    lock_.unlock();
    outside.end();]]
  [[    lock_.unlock();
    owner_.end();]])
sigsafe_freestanding_mutant(lock_is_not_atomic raw_lock.hpp two_cpus
  flat/two_cpus/share_a_mutex_with_the_handlers_of_both x86_64
  [[    return __atomic_exchange_n(&locked_, 1U, __ATOMIC_ACQUIRE) == 0;  // pairs with unlock]]
  [[    if (is_locked()) return false;
    for (int i = 0; i < 20; ++i) detail::cpu_relax();
    __atomic_store_n(&locked_, 1U, __ATOMIC_RELAXED);
    return true;]])
sigsafe_freestanding_mutant(enabled_before_the_borrow_ends ref_cell.hpp every_instruction
  flat/ref_cell/borrow_mut_holds "${all}"
  [[    (std::exchange(flag_, nullptr)->*Drop)();
    owner_.end();]]
  [[    owner_.end();
    (std::exchange(flag_, nullptr)->*Drop)();]])

# ---- the count ---------------------------------------------------------------------------------

sigsafe_freestanding_mutant(count_forgotten backend/counted.hpp conformance
  counted/backend/restore_puts_back_what_was x86_64
  [[if (--here.owners == 0) Flat]] [[--here.owners, Flat]])
sigsafe_freestanding_mutant(outside_of_the_last_owner backend/counted.hpp conformance
  counted/backend/restore_puts_back_what_was x86_64
  [[if (here.owners++ == 0) here.outside]] [[here.owners++, here.outside]])
sigsafe_freestanding_mutant(the_sleeper_owns backend/counted.hpp conformance
  counted/wait/a_sleeper_holds_nothing x86_64
  [[    Storage::nesting().owners = 0;
]] [[]])
sigsafe_freestanding_mutant(nested_wait backend/counted.hpp conformance
  counted/wait/in_a_nested_guard_panics x86_64
  [[    detail::require_outermost(Storage::nesting().owners == 1, where);
]] [[]])

# ---- what the compiler makes --------------------------------------------------------------------

# sigsafe_codegen_mutant(<name> <header> <target> <old text> <new text>)
function(sigsafe_codegen_mutant name header target old new)
  if(NOT ${target}_codegen)
    return()
  endif()
  set(tree ${CMAKE_CURRENT_BINARY_DIR}/mutants/${name})
  sigsafe_mutate(${name} ${header} ${tree}/sigsafe/${header} "${old}" "${new}")
  set(object ${tree}/${target}/codegen.o)
  sigsafe_build_mutant(${object} codegen ${target} ${tree})
  sigsafe_freestanding_part(mutant_${name}_${target} ${object})
  set(test freestanding/mutants/${target}/${name})
  add_test(NAME ${test} COMMAND ${${target}_codegen} ${object})
  set_tests_properties(${test} PROPERTIES LABELS freestanding TIMEOUT 10 WILL_FAIL TRUE)
endfunction()

# QEMU takes a pending interrupt without it, other processors later.
sigsafe_codegen_mutant(aarch64_without_isb backend/aarch64.hpp aarch64
  [[asm volatile("msr daif, %0\n\tisb"]] [[asm volatile("msr daif, %0"]])
sigsafe_codegen_mutant(x86_64_calls backend/x86.hpp x86_64
  [[  static void restore(]] "  [[gnu::noinline]] static void restore(")
foreach(wait IN ITEMS "x86_64:__builtin_ia32_pause()" "aarch64:asm volatile(\"yield\")"
                      "riscv64:asm volatile(\".4byte 0x0100000f\")")
  string(REGEX MATCH "^([^:]*):(.*)$" wait "${wait}")
  sigsafe_codegen_mutant(${CMAKE_MATCH_1}_waits_without_pause backend/native.hpp ${CMAKE_MATCH_1}
    "${CMAKE_MATCH_2}" "static_cast<void>(0)")
endforeach()
sigsafe_codegen_mutant(needs_a_library raw_lock.hpp x86_64
  [[  void unlock() noexcept { __atomic_store_n]]
  [[  static void elsewhere() noexcept;
  void unlock() noexcept { elsewhere(), __atomic_store_n]])
sigsafe_codegen_mutant(initialised_at_start mutex.hpp x86_64
  [[template <class T>
mutex(T) -> mutex<T>;]]
  [[template <class T>
mutex(T) -> mutex<T>;

inline const unsigned long flags = backend::native::disable();]])
