// Where a thread has crashed, and who called.
#pragma once

#include <sigsafe/config.hpp>

#include <cstddef>
#include <cstdint>

#include <sigsafe/crash.hpp>
#include <sigsafe/src/system/mappings.hpp>

namespace sigsafe::detail {

/// The addresses, looked up. Empty when there is no context.
/// Safety:   async-signal-safe; whatever is on the stack
class crash_trace {
 public:
  explicit crash_trace(const crash_info& crash) noexcept;

  [[nodiscard]] const system::place& pc() const noexcept { return pc_; }
  [[nodiscard]] const system::place* begin() const noexcept { return callers_ + first_; }
  [[nodiscard]] const system::place* end() const noexcept { return callers_ + end_; }

  /// No frame was found; these are words of the stack that point behind a call. Some are left over
  /// from functions that have returned.
  [[nodiscard]] bool is_guessed() const noexcept { return is_guessed_; }

 private:
  static constexpr std::size_t most = 24;

  system::place pc_{};
  system::place callers_[most]{};
  std::size_t first_ = 0;
  std::size_t end_ = 0;
  bool is_guessed_ = false;
};

/// 0 when there is no context.
std::uintptr_t program_counter(const crash_info& crash) noexcept;

}  // namespace sigsafe::detail
