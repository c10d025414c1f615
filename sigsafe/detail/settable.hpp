// What can be told that something has happened: an event, by its shape, so that its header is not
// needed.
#pragma once

#include <concepts>
#include <cstdint>

namespace sigsafe::detail {

/// set() can be called in a handler: it is noexcept.
template <class T>
concept settable = requires(T& target) {
  { target.set() } noexcept;
};
/// It counts, and set(n) stands for n calls of set().
template <class T>
concept countably_settable = settable<T> && requires(T& target, std::uint64_t times) {
  { target.set(times) } noexcept;
};

/// A function that sets an event.
template <settable T>
struct setter {
  T* target;

  constexpr setter(T& of) noexcept : target(&of) {}  // NOLINT(*-explicit-*): it stands for it

  void operator()(std::uint64_t times) const noexcept {
    if constexpr (countably_settable<T>)
      target->set(times);
    else
      target->set();
  }
};

/// Some event, or none.
class settable_ref {
 public:
  constexpr settable_ref() noexcept = default;
  template <settable T>
    requires(!std::same_as<T, const settable_ref>)
  constexpr settable_ref(T& target) noexcept  // NOLINT(*-explicit-*): as std::ref
      : target_(&target), set_([](void* of) noexcept { static_cast<T*>(of)->set(); }) {}

  void set() const noexcept {
    if (set_ != nullptr) set_(target_);
  }

 private:
  void* target_ = nullptr;
  void (*set_)(void*) noexcept = nullptr;
};

}  // namespace sigsafe::detail
