// The names of the cases, for those who run them and for those who report them.
#pragma once

#define SIGSAFE_CONFORMANCE_CASES(X)                                 \
  X(backend, restore_puts_back_what_was)                             \
  X(guard, interrupts_are_disabled_while_it_lives)                   \
  X(guard, an_interrupt_outside_is_handled_at_once)                  \
  X(guard, an_interrupt_inside_is_handled_before_the_next_statement) \
  X(guard, nested_guards_enable_only_at_the_outermost_release)       \
  X(guard, different_interrupts_inside_all_arrive)                   \
  X(guard, interrupts_are_disabled_inside_a_handler)                 \
  X(guard, its_release_inside_a_handler_lets_no_interrupt_in)        \
  X(guard, functions_return_one)                                     \
  X(guard, without_runs_a_function_disabled)                         \
  X(wait, an_interrupt_before_it_is_not_missed)                      \
  X(wait, an_interrupt_wakes_it)                                     \
  X(wait, interrupts_are_disabled_afterwards)                        \
  X(wait, in_a_nested_guard_panics)                                  \
  X(wait, in_a_handler_panics)                                       \
  X(mutex, interrupts_are_disabled_while_it_is_locked)               \
  X(mutex, a_handler_that_was_held_off_finds_it_free)                \
  X(mutex, a_handler_locks_it_too)                                   \
  X(mutex, a_failed_try_lock_leaves_interrupts_as_they_were)         \
  X(mutex, its_guard_moves_and_is_released_once)                     \
  X(mutex, nested_ones_enable_with_the_outermost)                    \
  X(mutex, interrupts_are_enabled_while_it_waits)                    \
  X(mutex, under_an_outer_hold_they_stay_disabled_while_it_waits)    \
  X(ref_cell, interrupts_are_disabled_while_it_is_borrowed)          \
  X(ref_cell, a_handler_that_was_held_off_finds_it_free)             \
  X(ref_cell, a_refused_borrow_leaves_interrupts_as_they_were)       \
  X(ref_cell, a_conflicting_borrow_panics)                           \
  X(ref_cell, parts_are_borrowed_and_cloned)                         \
  X(ref_cell, whole_values_go_in_and_come_out)

// Of backends that count their holds.
#define SIGSAFE_COUNTING_CASES(X)                              \
  X(any_order, locks_and_borrows_enable_with_the_last_release) \
  X(any_order, a_chain_of_locks_hand_over_hand_stays_disabled)
