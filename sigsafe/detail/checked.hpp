// What checked builds (SIGSAFE_CHECKED) remember about holds; empty in others.
#pragma once

#include <sigsafe/config.hpp>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/panic.hpp>

namespace sigsafe::detail {

inline constexpr bool checked = SIGSAFE_CHECKED;

/// Where a hold began.
template <bool Checked = checked>
class site {
 public:
  constexpr void record(location) noexcept {}
  [[noreturn]] void panic(const char* what, location where, const char*) const noexcept {
    sigsafe::panic(what, where);
  }
};

template <>
class site<true> {
 public:
  constexpr void record(location where) noexcept { place_ = where; }
  [[noreturn]] void panic(const char* what, location where, const char* label) const noexcept {
    sigsafe::panic({what, where, label, place_});
  }

 private:
  location place_{"?", 0};
};

/// Finds a guard that is released on another thread than the one it began on.
template <class B, bool Checked = checked && identifying_backend<B>>
class holding_thread {
 public:
  constexpr explicit holding_thread(location) noexcept {}
  void require_same() const noexcept {}
  void woken() noexcept {}
};

template <class B>
class holding_thread<B, true> {
 public:
  explicit holding_thread(location where) noexcept : began_{where}, thread_{B::self()} {}

  void require_same() const noexcept {
    if (thread_ != B::self())
      panic(
          "a guard that began here was released on another thread; release it on the thread that "
          "began it",
          began_);
  }
  /// After a sleep, during which a kernel may have moved the thread to another CPU.
  void woken() noexcept { thread_ = B::self(); }

 private:
  location began_;
  const void* thread_;
};

}  // namespace sigsafe::detail
