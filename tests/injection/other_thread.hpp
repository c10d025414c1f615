// The second thread of a program under test. It sleeps at a barrier until it is its turn.
#pragma once

#include <cstdint>

namespace injection {

/// When the other thread acts: not at all; while the first one stands at an instruction; or when
/// that one, which comes to a system call there, has fallen asleep in it.
enum class turn { never, at_once, when_asleep };

/// All of its functions but the constructor run in the first thread's breakpoint, too: they call
/// nothing but the kernel.
class other_thread {
 public:
  /// Starts it. It calls the function once for each turn.
  explicit other_thread(void (*act)());
  other_thread(const other_thread&) = delete;
  other_thread& operator=(const other_thread&) = delete;

  /// Lets it act. Returns when it is back at the barrier, or when it has fallen asleep: it waits
  /// for something that the first thread must do, and goes on in the background. Who still sleeps
  /// in his last turn gets no other one. With turn::when_asleep this returns at once.
  void let_through(turn when) noexcept;
  /// Waits until it is back at the barrier.
  void join() noexcept;

  [[nodiscard]] bool is_calling() const noexcept;
  /// The first one sleeps in the operation.
  [[nodiscard]] bool first_is_asleep() const noexcept;

 private:
  // The word of the barrier.
  static constexpr std::uint32_t waits = 0, called = 1, acts = 2;

  static void* begin(void* self);
  [[noreturn]] void run() noexcept;
  [[nodiscard]] std::uint32_t phase() const noexcept {
    return __atomic_load_n(&phase_, __ATOMIC_ACQUIRE);
  }
  void change_phase(std::uint32_t to) noexcept;

  void (*act_)();
  std::uint32_t phase_ = acts;
  turn when_ = turn::never;
  bool first_stands_ = false;
  int status_of_first_;
  int own_status_ = -1;
  long thread_ = 0;
};

}  // namespace injection
