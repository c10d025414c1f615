// Which thread of this process.
#pragma once

#include <sigsafe/config.hpp>

namespace sigsafe {

/// A thread of this process, or none. Threads tell it about themselves: pass thread_id::current()
/// from the thread that is meant. A kernel may give the number of a thread that has ended to a new
/// one.
/// Safety:   async-signal-safe; as thread-safe as an integer
/// Cost:     an integer
class thread_id {
 public:
  constexpr thread_id() noexcept = default;

  /// The calling thread.
  /// Cost:     one system call
  [[nodiscard]] SIGSAFE_API static thread_id current() noexcept;

  /// The kernel's number; 0 when it is no thread.
  [[nodiscard]] constexpr int native() const noexcept { return number_; }

  friend constexpr bool operator==(thread_id, thread_id) noexcept = default;

 private:
  constexpr explicit thread_id(int number) noexcept : number_(number) {}

  int number_ = 0;
};

}  // namespace sigsafe
