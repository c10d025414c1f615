// Dispositions: what a signal does to the process.
#pragma once

#include <sigsafe/config.hpp>

#include <signal.h>

#include <atomic>
#include <cstdint>

namespace sigsafe::detail {

using trampoline_function = void (*)(int, siginfo_t*, void*);

// The trampoline that this process enters into the kernel's table. It is the one of the object that
// defines this symbol, which is never unloaded: the kernel's pointer stays good when another object
// that registered handlers is unloaded. See src/abi.S.
extern trampoline_function const trampoline asm("sigsafe_abi1_trampoline_address") SIGSAFE_API;

/// What a signal does, in one word, so that handlers read it whole: SIG_DFL, SIG_IGN or the address
/// of a function, with the highest bit, which no address of a program has, when it takes a
/// siginfo_t.
class disposition {
 public:
  constexpr disposition() noexcept = default;
  explicit disposition(const struct sigaction& action) noexcept;

  friend constexpr bool operator==(disposition, disposition) noexcept = default;
  [[nodiscard]] bool is_default() const noexcept;
  [[nodiscard]] bool is_ignored() const noexcept;

  /// The same in full. Of the flags SA_SIGINFO is known here.
  [[nodiscard]] struct sigaction action(int flags, std::uint64_t mask) const noexcept;

  /// Calls the function as what it is.
  /// Pre:      neither is_default() nor is_ignored()
  void call(int signal, siginfo_t& info, void* context) const noexcept;

 private:
  static constexpr std::uint64_t takes_info = std::uint64_t{1} << 63;
  std::uint64_t word_ = 0;
};
static_assert(std::atomic<disposition>::is_always_lock_free, "handlers read it");

/// What the kernel blocks while the trampoline runs (rule 1): everything maskable, and what the C
/// library cancels threads with. That would unwind from the first instructions of the trampoline,
/// before it has disabled cancellation, and the signal would be lost.
sigset_t trampoline_mask() noexcept;

/// Is this disposition sigsafe's?
bool is_trampoline(const struct sigaction& action) noexcept;

/// Lets the signal do what it does to a program that has no handler for it; but for a stop when the
/// process has been continued since the count of continues was this one.
void take_default_action(const siginfo_t& info, std::uint32_t continued) noexcept;

}  // namespace sigsafe::detail
