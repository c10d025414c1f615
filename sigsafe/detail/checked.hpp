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

/// Finds a hold on a flat backend that lost its effect: an outer hold was released before it, and
/// enabled interrupts. Only a place for each CPU could tell at that earlier release; this tells at
/// the later one.
template <class B, bool Checked = checked && !counting_backend<B>>
class still_disabled {
 public:
  constexpr void begins(location) noexcept {}
  constexpr void require(location) const noexcept {}
};

template <class B>
class still_disabled<B, true> {
 public:
  /// Interrupts are disabled now, unless this backend never does that.
  void begins(location where) noexcept {
    began_ = where;
    effective_ = !B::enabled();
  }
  /// The place may be unknown.
  void require(location where) const noexcept {
    if (!effective_ || !B::enabled()) return;
    panic(
        {"interrupts were enabled while this hold lived, by an outer hold that was released "
         "before it; release them in the reverse order, or use backend::counted",
         where, "it began at", began_});
  }

 private:
  location began_{"?", 0};
  bool effective_ = false;
};

/// Finds a guard that is released on another thread than the one it began on; and one that is
/// released after an outer hold, see still_disabled.
template <class B, bool Checked = checked && (identifying_backend<B> || !counting_backend<B>)>
class holding_thread {
 public:
  constexpr explicit holding_thread(location) noexcept {}
  void require_same() const noexcept {}
  void woken() noexcept {}
};

template <class B>
class holding_thread<B, true> {
 public:
  explicit holding_thread(location where) noexcept : began_{where}, thread_{self()} {
    disabled_.begins(where);
  }

  void require_same() const noexcept {
    if (thread_ != self())
      panic(
          "a guard that began here was released on another thread; release it on the thread that "
          "began it",
          began_);
    disabled_.require({nullptr, 0});
  }
  /// After a sleep, during which a kernel may have moved the thread to another CPU.
  void woken() noexcept { thread_ = self(); }

 private:
  static const void* self() noexcept {
    if constexpr (identifying_backend<B>)
      return B::self();
    else
      return nullptr;
  }

  location began_;
  const void* thread_;
  [[no_unique_address]] still_disabled<B> disabled_;
};

}  // namespace sigsafe::detail
