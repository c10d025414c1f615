// backend/x86.hpp where the compiler keeps variables below the stack pointer, in the red zone of
// x86-64. Reading the flags needs no privilege, so this runs on the build's own machine.
#include <sigsafe/backend/x86.hpp>

namespace {

/// As the backend would be if it pushed by itself.
struct overwriting {
  static bool enabled() noexcept {
    unsigned long flags;
    asm volatile("pushf\n\tpop %0" : "=r"(flags)::"memory");
    return (flags & (1UL << 9)) != 0;
  }
};

/// A function without calls, whose variables fill the red zone.
template <class B>
[[gnu::noinline]] bool variables_survive() noexcept {
  volatile long variables[16];
  for (long i = 0; i < 16; ++i) variables[i] = i;
  const bool enabled = B::enabled();
  long same = 0;
  for (long i = 0; i < 16; ++i) same += variables[i] == i ? 1 : 0;
  return enabled && same == 16;
}

}  // namespace

void sigsafe::panic(const panic_info&) noexcept { __builtin_trap(); }

int main() {
  const bool left_alone = variables_survive<sigsafe::backend::x86>();
  const bool mutant_is_caught = !variables_survive<overwriting>();
  return left_alone && mutant_is_caught ? 0 : 1;
}
