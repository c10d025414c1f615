// One live owner of disabled interrupts that is not a basic_guard: a lock that is held, a borrow.
#pragma once

#include <utility>

#include <sigsafe/backend/concept.hpp>

namespace sigsafe::detail {

/// On a flat backend the owner keeps what disable returned; owners must end in reverse order there.
template <class B>
class owner {
 public:
  constexpr owner() noexcept = default;
  static owner begin() noexcept {
    owner begun;
    begun.outside_ = B::disable();
    return begun;
  }
  void end() const noexcept { B::restore(outside_); }

 private:
  typename B::state_type outside_{};
};

/// A counting backend keeps everything in the thread, and ends may come in any order.
template <counting_backend B>
class owner<B> {
 public:
  static owner begin() noexcept {
    B::enter();
    return {};
  }
  void end() const noexcept { B::leave(); }
};

/// An owner that ends again, also by an exception, unless it is kept.
template <class B>
class provisional_owner {
 public:
  provisional_owner() noexcept : owner_(owner<B>::begin()) {}
  provisional_owner(const provisional_owner&) = delete;
  provisional_owner& operator=(const provisional_owner&) = delete;
  ~provisional_owner() {
    if (!kept_) owner_.end();
  }

  owner<B> keep() noexcept {
    kept_ = true;
    return owner_;
  }

 private:
  [[no_unique_address]] owner<B> owner_;
  bool kept_ = false;
};

}  // namespace sigsafe::detail
