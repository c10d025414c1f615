// What each architecture supplies to the programs that run without an operating system, and what
// they supply to it.
#pragma once

namespace board {

/// Where interrupts come from: what the program raises, and a timer that goes off once.
enum class line : unsigned char { software, timer };
inline constexpr unsigned lines = 2;

// ---- what the program supplies
// -------------------------------------------------------------------

/// Called with interrupts disabled and the interrupt acknowledged; pc is the instruction that the
/// CPU would have executed next.
extern "C" void on_interrupt(line from, unsigned long pc) noexcept;

/// Called for an exception that the processor reports: the program does not go on.
[[noreturn]] void on_exception(unsigned long cause, unsigned long pc) noexcept;

/// Called by the first CPU on a stack of its own, interrupts disabled, memory initialised.
extern "C" [[noreturn]] void kernel_main() noexcept;

// ---- what the architecture supplies
// --------------------------------------------------------------

/// Sets up the interrupts of the calling CPU; leaves them disabled.
void start() noexcept;
/// Lets interrupts in, whatever kept them out: between two cases, also after one that failed.
void enable() noexcept;

void put(char c) noexcept;
/// Ends the emulator.
[[noreturn]] void end(bool passed) noexcept;

/// Makes the software interrupt of the calling CPU pending, or of another one. It may take some
/// instructions until it is; two before its handler runs are one.
void raise() noexcept;
void raise_on(unsigned cpu) noexcept;
/// The timer's interrupt becomes pending, once, after so many ticks. A tick is so short that under
/// the emulator's instruction-counted clock one more makes it at most one instruction later.
void arm_timer(unsigned long ticks) noexcept;
/// Takes back an interrupt of the timer that has not come yet, or is pending.
void disarm_timer() noexcept;
/// Whether the interrupt waits for this CPU to enable interrupts.
[[nodiscard]] bool pending(line from) noexcept;

/// Instructions executed so far, under the instruction-counted clock; differences count.
[[nodiscard]] unsigned long instructions() noexcept;

/// Changes a bit beside the one that enables interrupts, in the same register; and reads it.
void flip_foreign_bit() noexcept;
[[nodiscard]] bool foreign_bit() noexcept;

/// The number of the calling CPU: 0 or 1.
[[nodiscard]] unsigned cpu() noexcept;
/// Lets CPU 1 call start, then run. It has a stack of its own.
void start_second_cpu(void (*run)()) noexcept;

}  // namespace board
