// A backend of a kernel's own, as users write them: the task priority of x86-64. It holds off all
// interrupts of the board, and leaves the interrupt flag alone.
#pragma once

#include <sigsafe/backend/x86.hpp>

struct task_priority {
  using saved_state = unsigned long;  // the priority before
  using flag = sigsafe::backend::x86;

  static saved_state disable() noexcept {
    const saved_state saved = priority();
    set_priority(highest);
    return saved;
  }
  static void restore(saved_state saved) noexcept { set_priority(saved); }
  static bool enabled() noexcept { return flag::enabled() && priority() < highest; }
  static void wait(saved_state saved) noexcept {
    const bool enabled = flag::disable();  // none may come between the lower priority and the sleep
    restore(saved);
    flag::wait(enabled && saved < highest);  // panics in a nested guard
    disable();
    flag::restore(true);
  }

 private:
  static constexpr unsigned long highest = 0xe;

  static unsigned long priority() noexcept {
    unsigned long value;
    asm volatile("mov %%cr8, %0" : "=r"(value)::"memory");
    return value;
  }
  static void set_priority(unsigned long value) noexcept {
    asm volatile("mov %0, %%cr8" ::"r"(value) : "memory");
  }
};

namespace sigsafe::backend {
using native = task_priority;
}
