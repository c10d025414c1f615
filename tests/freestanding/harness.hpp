// Cases without an operating system: they are run by name, report to the console, and may panic.
#pragma once

#include <sigsafe/location.hpp>

#include <tests/conformance/cases.hpp>
#include <tests/freestanding/board.hpp>

namespace harness {

using conformance::line;

/// What handles the interrupts of a line now.
struct slot {
  void (*call)(void* function) noexcept;
  void* function;
};
void set_slot(line from, slot handled) noexcept;

/// Ends the whole program: after a failure nothing can be relied on.
[[noreturn]] void fail(const char* what, sigsafe::location where) noexcept;

/// Interrupts of the line so far, and the instruction before which the last one came.
[[nodiscard]] unsigned handled(line from) noexcept;
[[nodiscard]] unsigned long interrupted_at() noexcept;

/// Makes the interrupt pending. On return it is, or has been handled.
void raise(line from) noexcept;

/// Calls function, and returns whether it panicked with this in the text.
[[nodiscard]] bool panics(void (*function)(), const char* text) noexcept;

/// The environment of the conformance cases.
template <class B>
struct environment {
  using backend = B;

  template <class F>
  class handler {
   public:
    handler(line from, F function) noexcept : line_{from}, function_{function} {
      set_slot(line_, {[](void* called) noexcept { (*static_cast<F*>(called))(); }, &function_});
    }
    handler(const handler&) = delete;
    handler& operator=(const handler&) = delete;
    ~handler() { set_slot(line_, {nullptr, nullptr}); }

   private:
    line line_;
    F function_;
  };

  static void raise(line from) noexcept { harness::raise(from); }
  static void raise_soon() noexcept { board::arm_timer(2000); }
  template <class F>
  static bool panics(F function, const char* text) noexcept {
    return harness::panics(+function, text);
  }
  [[noreturn]] static void fail(const char* what, sigsafe::location where) noexcept {
    harness::fail(what, where);
  }
};

/// Runs one case: prints its name before, and that it held after.
void run(const char* suite, const char* name, void (*test)()) noexcept;

/// Says that all have run, and ends the program.
[[noreturn]] void end() noexcept;

}  // namespace harness
