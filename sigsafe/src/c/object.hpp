// An object of C++ in memory that a caller of C has provided and initialised with zeros.
#pragma once

#include <errno.h>

#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include <sigsafe/src/c/failure.hpp>

namespace sigsafe::c {

/// The first word of the memory says whether there is one; the object lies behind it.
template <class T, class Memory>
class object {
  static constexpr std::uint64_t is_there =
      0x7369677361666531;  // no counter, no pointer: "sigsafe1"
  static constexpr std::uint64_t is_ending = 0x7369677361666530;
  static_assert(sizeof(T) + sizeof(std::uint64_t) <= sizeof(Memory));
  static_assert(alignof(T) <= 8 && alignof(Memory) == 8);

 public:
  explicit object(Memory* memory) noexcept : words_(memory->opaque) {}

  [[nodiscard]] bool exists() const noexcept {
    return __atomic_load_n(words_, __ATOMIC_ACQUIRE) == is_there;
  }
  [[nodiscard]] T* get() const noexcept { return std::launder(reinterpret_cast<T*>(words_ + 1)); }

  /// Errors:   those of T's constructor; there is none then
  template <class... Arguments>
  void make(Arguments&&... arguments) {
    new (words_ + 1) T(std::forward<Arguments>(arguments)...);
    __atomic_store_n(words_, is_there, __ATOMIC_RELEASE);
  }
  void destroy() noexcept {
    get()->~T();
    __atomic_store_n(words_, 0, __ATOMIC_RELEASE);
  }
  /// Returns 0, or, when there is none, an error with this text. Of several threads one ends it.
  int end(const char* if_there_is_none) noexcept {
    std::uint64_t expected = is_there;
    if (!__atomic_compare_exchange_n(words_, &expected, is_ending, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED))
      return fail(EINVAL, if_there_is_none);
    destroy();
    return 0;
  }

 private:
  std::uint64_t* words_;
};

/// The object, or null.
template <class T, class Memory>
T* existing(Memory* memory) noexcept {
  const object<T, std::remove_const_t<Memory>> found{
      const_cast<std::remove_const_t<Memory>*>(memory)};
  return found.exists() ? found.get() : nullptr;
}

}  // namespace sigsafe::c
