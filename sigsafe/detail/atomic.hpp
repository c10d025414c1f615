// std::atomic, for what lies in the objects of users: <atomic> is ten times as long as sigsafe.
#pragma once

namespace sigsafe::detail {

/// A word that threads share. What std::atomic has, as far as it is needed here. An order is a
/// std::memory_order, which need not be known in this header, or an __ATOMIC_RELAXED, …
template <class T>
class atomic {
 public:
  constexpr atomic() noexcept = default;
  constexpr explicit atomic(T value) noexcept : value_(value) {}
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  template <class Order>
  T load(Order order) const noexcept {
    return __atomic_load_n(&value_, static_cast<int>(order));
  }
  template <class Order>
  void store(T value, Order order) noexcept {
    __atomic_store_n(&value_, value, static_cast<int>(order));
  }
  template <class Order>
  T exchange(T value, Order order) noexcept {
    static_assert(is_inline, "sigsafe: choose a larger type");
    return __atomic_exchange_n(&value_, value, static_cast<int>(order));
  }
  template <class Order>
  bool compare_exchange_weak(T& expected, T value, Order success, Order failure) noexcept {
    static_assert(is_inline, "sigsafe: choose a larger type");
    return __atomic_compare_exchange_n(&value_, &expected, value, true, static_cast<int>(success),
                                       static_cast<int>(failure));
  }

 private:
  // Some processors (RISC-V) exchange no bytes: a library would be called.
  static constexpr bool is_inline = __atomic_always_lock_free(sizeof(T), 0);
  // As std::atomic aligns it: on i386 a member of 8 bytes would be aligned to 4.
  alignas(sizeof(T)) T value_{};
};

}  // namespace sigsafe::detail
