// A handler of a fault that returns without having repaired anything would be called again for
// ever: the instruction fails again. docs/explanation/handlers.md says what "the same fault" is.
#pragma once

#include <sigsafe/config.hpp>

#include <signal.h>
#include <ucontext.h>

#include <cstdint>

namespace sigsafe::detail {

/// One run of the handlers of a signal. Signals that are no faults of the kernel's own are watched
/// too: what came between two faults keeps them from being taken for one.
class fault_watch {
 public:
  fault_watch(int signal, const siginfo_t& info, void* context) noexcept;
  fault_watch(const fault_watch&) = delete;
  fault_watch& operator=(const fault_watch&) = delete;

  /// After the handlers: this is the same fault as the thread's last one, and they have not
  /// repaired it.
  [[nodiscard]] bool is_hopeless() noexcept;

  /// This is the same fault as the thread's last one.
  [[nodiscard]] bool is_again() const noexcept { return again_; }

  /// When the handler returns the instruction is executed again, and fails if nobody repairs it.
  [[nodiscard]] bool fails_again() const noexcept { return registers_ != nullptr; }

 private:
  // What a repair changes.
  struct state {
    std::uint64_t registers;
    std::uint64_t code;
    bool readable;
    bool writable;
    friend bool operator==(const state&, const state&) = default;
  };

  [[nodiscard]] state current_state() const noexcept;
  [[nodiscard]] bool may_go_on_by_itself() const noexcept;

  const siginfo_t& info_;
  const mcontext_t* registers_ = nullptr;
  bool again_ = false;  // it is the same as the last one
  state before_{};
};

}  // namespace sigsafe::detail
