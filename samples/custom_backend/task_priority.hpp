// A backend of a kernel's own: the task priority of x86-64. It holds off the interrupts of devices,
// but not those with vectors from 0xf0 on, which are for what must always come through.
#pragma once

#include <sigsafe/backend/x86.hpp>

#include "machine.hpp"

struct task_priority {
  using saved_state = unsigned long;  // the priority before
  using flag = sigsafe::backend::x86;

  static saved_state disable() noexcept { return machine::set_priority(0xe); }
  static void restore(saved_state saved) noexcept { machine::set_priority(saved); }
  static bool enabled() noexcept { return flag::enabled() && machine::priority() < 0xe; }
  static void wait(saved_state saved) noexcept {
    const bool open = flag::disable();  // between the lower priority and the sleep nothing may come
    restore(saved);
    flag::wait(open && saved < 0xe);  // panics in a nested guard
    disable();
    flag::restore(true);
  }
};

namespace sigsafe::backend {
using native = task_priority;
}
