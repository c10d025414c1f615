// What checked builds (SIGSAFE_CHECKED) remember about holds; empty in others.
#pragma once

#include <sigsafe/config.hpp>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/detail/annotations.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/panic.hpp>

namespace sigsafe::detail {

inline constexpr bool checked = SIGSAFE_CHECKED;

/// Nowhere that is known.
inline constexpr location no_place{nullptr, 0};

/// A panic that names a second place, if that is known: an object that was compiled unchecked, or
/// nobody, may have been there.
[[noreturn]] inline void panic_with(const char* what, location where, const char* label,
                                    location other) noexcept {
  panic({what, where, other.file != nullptr ? label : nullptr, other});
}

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
    panic_with(what, where, label, place_);
  }

 private:
  location place_ = no_place;
};

/// The calls of a lock, with the place of the caller if it takes one: a watched lock does.
#define SIGSAFE_CALL_AT(call)                                                       \
  template <class L, class... Args>                                                 \
  decltype(auto) call##_at(L& lock, [[maybe_unused]] location where, Args&... args) \
      SIGSAFE_NO_ANALYSIS {                                                         \
    if constexpr (requires { lock.call(args..., where); })                          \
      return lock.call(args..., where);                                             \
    else                                                                            \
      return lock.call(args...);                                                    \
  }
SIGSAFE_CALL_AT(lock)
SIGSAFE_CALL_AT(try_lock)
SIGSAFE_CALL_AT(try_lock_for)
SIGSAFE_CALL_AT(try_lock_until)
SIGSAFE_CALL_AT(lock_shared)
SIGSAFE_CALL_AT(try_lock_shared)
#undef SIGSAFE_CALL_AT

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
    panic_with(
        "interrupts were enabled while this hold lived, by an outer hold that was released "
        "before it; release them in the reverse order, or use backend::counted",
        where, "it began at", began_);
  }

 private:
  location began_ = no_place;
  bool effective_ = false;
};

/// Finds a hold that is released on another thread than the one it began on.
template <class B, bool Checked = checked && identifying_backend<B>>
class same_thread {
 public:
  constexpr explicit same_thread(location) noexcept {}
  void require(const char*) const noexcept {}
  void woken() noexcept {}
};

template <class B>
class same_thread<B, true> {
 public:
  explicit same_thread(location where) noexcept : began_{where}, thread_{B::self()} {}

  void require(const char* what) const noexcept {
    if (thread_ != B::self()) panic(what, began_);
  }
  void woken() noexcept { thread_ = B::self(); }

 private:
  location began_;
  const void* thread_;
};

/// Finds a guard that is released on another thread, and one that is released after an outer hold,
/// see still_disabled.
template <class B>
class holding_thread {
 public:
  explicit holding_thread(location where) noexcept : thread_{where} { disabled_.begins(where); }

  void require_same() const noexcept {
    thread_.require(
        "a guard that began here was released on another thread; release it on the thread that "
        "began it");
    disabled_.require(no_place);
  }
  /// After a sleep, during which a kernel may have moved the thread to another CPU.
  void woken() noexcept { thread_.woken(); }

 private:
  [[no_unique_address]] same_thread<B> thread_;
  [[no_unique_address]] still_disabled<B> disabled_;
};

}  // namespace sigsafe::detail
