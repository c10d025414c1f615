// The names of the cases that only processors have.
#pragma once

#define SIGSAFE_PROCESSOR_CASES(X)                             \
  X(status, a_foreign_bit_that_a_holder_changes_stays_changed) \
  X(status, a_guard_that_began_disabled_stays_disabled)        \
  X(wait, a_sleeper_holds_nothing)                             \
  X(mutex, the_next_holder_does_not_change_what_comes_back)

// The operations into which an interrupt is injected at every instruction.
#define SIGSAFE_INJECTED_CASES(X) \
  X(guard, holds)                 \
  X(guard, nested_holds)          \
  X(mutex, lock_holds)            \
  X(mutex, try_lock_holds)        \
  X(ref_cell, borrow_mut_holds)   \
  X(ref_cell, clone_holds)        \
  X(wait, misses_no_interrupt)

// What needs two CPUs.
#define SIGSAFE_TWO_CPU_CASES(X) X(two_cpus, share_a_mutex_with_the_handlers_of_both)
