// One live hold that is not a guard: a lock that is taken, a borrow.
#pragma once

#include <sigsafe/config.hpp>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/detail/checked.hpp>
#include <sigsafe/location.hpp>

namespace sigsafe::detail {

/// On a flat backend the hold keeps what disable returned, and holds are released in the reverse
/// order; a checked build panics when they are not. The place of a release may be unknown.
template <class B>
class hold {
 public:
  constexpr hold() noexcept = default;
  static hold take(location where) noexcept {
    hold taken;
    taken.saved_ = B::disable();
    taken.disabled_.begins(where);
    return taken;
  }
  void release(location where = {nullptr, 0}) const noexcept {
    disabled_.require(where);
    B::restore(saved_);
  }

 private:
  typename B::saved_state saved_{};
  [[no_unique_address]] still_disabled<B> disabled_;
};

/// A counting backend keeps everything in the thread, and holds are released in any order.
template <counting_backend B>
class hold<B> {
 public:
  static hold take(location) noexcept {
    B::enter();
    return {};
  }
  void release(location = {nullptr, 0}) const noexcept { B::leave(); }
};

/// A hold that is released again, also by an exception, unless it is kept.
template <class B>
class provisional_hold {
 public:
  explicit provisional_hold(location where = {nullptr, 0}) noexcept : hold_(hold<B>::take(where)) {}
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
