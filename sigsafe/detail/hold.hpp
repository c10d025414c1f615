// One live hold that is not a guard: a lock that is taken, a borrow.
#pragma once

#include <sigsafe/config.hpp>

#include <sigsafe/backend/concept.hpp>

namespace sigsafe::detail {

/// On a flat backend the hold keeps what disable returned, and holds are released in the reverse
/// order.
template <class B>
class hold {
 public:
  constexpr hold() noexcept = default;
  static hold take() noexcept {
    hold taken;
    taken.saved_ = B::disable();
    return taken;
  }
  void release() const noexcept { B::restore(saved_); }

 private:
  typename B::saved_state saved_{};
};

/// A counting backend keeps everything in the thread, and holds are released in any order.
template <counting_backend B>
class hold<B> {
 public:
  static hold take() noexcept {
    B::enter();
    return {};
  }
  void release() const noexcept { B::leave(); }
};

/// A hold that is released again, also by an exception, unless it is kept.
template <class B>
class provisional_hold {
 public:
  provisional_hold() noexcept : hold_(hold<B>::take()) {}
  provisional_hold(const provisional_hold&) = delete;
  provisional_hold& operator=(const provisional_hold&) = delete;
  ~provisional_hold() {
    if (!kept_) hold_.release();
  }

  hold<B> keep() noexcept {
    kept_ = true;
    return hold_;
  }

 private:
  [[no_unique_address]] hold<B> hold_;
  bool kept_ = false;
};

}  // namespace sigsafe::detail
