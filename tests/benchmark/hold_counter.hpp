// Signals as PostgreSQL holds them off: the handler only sets flags, the program checks them where
// it may be interrupted, and a counter says where it may not (HOLD_INTERRUPTS, RESUME_INTERRUPTS
// and CHECK_FOR_INTERRUPTS in its miscadmin.h).
#pragma once

#include <signal.h>

#include <cstdint>

namespace benchmarked::hold_counter {

inline volatile std::uint32_t held = 0;
inline volatile sig_atomic_t pending = 0;
inline volatile std::uint64_t processed = 0;

inline void on_signal(int, siginfo_t*, void*) { pending = 1; }

[[gnu::noinline]] inline void process() noexcept {
  if (held != 0) return;
  pending = 0;
  processed = processed + 1;
}

inline void check() noexcept {
  if (pending != 0) [[unlikely]]
    process();
}

class [[nodiscard]] hold {
 public:
  hold() noexcept { held = held + 1; }
  hold(const hold&) = delete;
  hold& operator=(const hold&) = delete;
  ~hold() {
    held = held - 1;
    check();
  }
};

}  // namespace benchmarked::hold_counter
