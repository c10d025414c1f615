// A word that a handler on the same thread may read and change at any instruction.
#pragma once

// g++ tests a thread-local's address for null by the flags of the instruction that computes it; the
// linker replaces that instruction by one that sets none, and UBSan reports a null that is not
// there.
#define SIGSAFE_NO_UBSAN __attribute__((no_sanitize("undefined")))

namespace sigsafe::detail {

/// Relaxed atomic access: each load, store and update is one that a handler sees whole or not at
/// all. It orders nothing; the fences stand where they are needed.
template <class T>
class relaxed {
 public:
  SIGSAFE_NO_UBSAN T load() const noexcept { return __atomic_load_n(&value_, __ATOMIC_RELAXED); }
  SIGSAFE_NO_UBSAN void store(T value) noexcept {
    __atomic_store_n(&value_, value, __ATOMIC_RELAXED);
  }
  SIGSAFE_NO_UBSAN void increment() noexcept { store(static_cast<T>(load() + 1)); }
  SIGSAFE_NO_UBSAN void decrement() noexcept { store(static_cast<T>(load() - 1)); }

  // Single instructions, or loops that a handler makes start again.
  T exchange(T value) noexcept { return __atomic_exchange_n(&value_, value, __ATOMIC_RELAXED); }
  void set_bits(T bits) noexcept { __atomic_fetch_or(&value_, bits, __ATOMIC_RELAXED); }
  T clear_bits(T bits) noexcept { return __atomic_fetch_and(&value_, ~bits, __ATOMIC_RELAXED); }

 private:
  static_assert(__atomic_always_lock_free(sizeof(T), 0),
                "sigsafe: handlers change this, so its atomic access must be lock-free");
  T value_;
};

// Orders the accesses of this thread against a handler on this thread.
inline void handler_fence() noexcept { __atomic_signal_fence(__ATOMIC_SEQ_CST); }

}  // namespace sigsafe::detail
