// A cell that a thread shares with the handlers that run on it: borrows are checked when they
// begin, and interrupts are disabled while they live.
#pragma once

#include <sigsafe/config.hpp>

#include <compare>
#include <concepts>
#include <optional>
#include <type_traits>
#include <utility>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/backend/native.hpp>
#include <sigsafe/detail/checked.hpp>
#include <sigsafe/detail/hold.hpp>
#include <sigsafe/detail/invoke.hpp>
#include <sigsafe/location.hpp>

namespace sigsafe {

namespace detail {

/// What a borrow may do: many readers share a cell, one writer has it for itself.
enum class access { shared, exclusive };

/// How a cell is borrowed now: 0 not at all, n > 0 by n readers, -n < 0 by n parts of one writer.
class borrow_flag {
 public:
  bool try_share(location where) noexcept {
    if (count_ < 0) return false;
    if (count_++ == 0) site_.record(where);
    return true;
  }
  bool try_own(location where) noexcept {
    if (count_ != 0) return false;
    count_ = -1;
    site_.record(where);
    return true;
  }
  template <access A>
  void add() noexcept {
    A == access::shared ? ++count_ : --count_;
  }
  template <access A>
  void drop() noexcept {
    A == access::shared ? --count_ : ++count_;
  }
  [[nodiscard]] bool is_written() const noexcept { return count_ < 0; }

  [[noreturn]] void panic(const char* what, location where) const noexcept {
    site_.panic(what, where, "the conflicting borrow was taken at");
  }

 private:
  int count_ = 0;
  [[no_unique_address]] site<> site_;
};

/// One hold and one unit of a borrow flag. The flag is dropped before interrupts come back, so that
/// a handler that runs then finds the cell free.
template <class B, access A>
class borrow {
 public:
  borrow(borrow_flag& flag, hold<B> taken, location where) noexcept
      : flag_(&flag), hold_(taken), thread_(where) {}
  borrow(borrow&& other) noexcept
      : flag_(std::exchange(other.flag_, nullptr)), hold_(other.hold_), thread_(other.thread_) {}
  borrow& operator=(borrow&& other) noexcept {
    if (this != &other) {
      release();
      flag_ = std::exchange(other.flag_, nullptr);
      hold_ = other.hold_;
      thread_ = other.thread_;
    }
    return *this;
  }
  ~borrow() { release(); }

  /// One more borrow of the same cell.
  [[nodiscard]] borrow more(location where) const noexcept {
    const auto taken = hold<B>::take(where);
    flag_->template add<A>();
    return {*flag_, taken, where};
  }

 private:
  void release() noexcept {
    if (flag_ == nullptr) return;
    thread_.require(
        "a borrow that began here was released on another thread; release it on the thread that "
        "borrowed");
    std::exchange(flag_, nullptr)->template drop<A>();
    hold_.release();
  }

  borrow_flag* flag_;
  [[no_unique_address]] hold<B> hold_;
  [[no_unique_address]] same_thread<B> thread_;
};

}  // namespace detail

/// A borrow of a ref_cell's value or of a part of it, as `ref` (shared, read-only) or `ref_mut`
/// (exclusive). It moves within its thread; borrows may be released in any order on counting
/// backends.
/// Safety:   async-signal-safe; belongs to the thread that borrowed
/// Errors:   none; a checked build panics when it is released on another thread
/// Cost:     the release: a decrement and the release of a guard
template <class T, interrupt_backend B, detail::access A>
class [[nodiscard]] basic_ref {
  // A part of what is read is read only.
  template <class Part>
  using part = basic_ref<std::conditional_t<A == detail::access::shared, const Part, Part>, B, A>;

 public:
  T& operator*() const noexcept { return *value_; }
  T* operator->() const noexcept { return value_; }

  /// One more borrow of the same part.
  basic_ref clone(location where = location::current()) const noexcept
    requires(A == detail::access::shared)
  {
    return {value_, borrow_.more(where)};
  }

  /// Borrows a part: function takes T& and returns a reference into it.
  template <class F>
  auto map(F&& function) && noexcept(std::is_nothrow_invocable_v<F, T&>) {
    auto& mapped = detail::invoke(std::forward<F>(function), *value_);
    return part<std::remove_reference_t<decltype(mapped)>>{&mapped, std::move(borrow_)};
  }

  /// As map, but function returns a pointer; when that is null the result is empty and this borrow
  /// stays as it was.
  template <class F>
  auto filter_map(F&& function) && noexcept(std::is_nothrow_invocable_v<F, T&>) {
    auto* mapped = detail::invoke(std::forward<F>(function), *value_);
    using result = part<std::remove_pointer_t<decltype(mapped)>>;
    return mapped == nullptr ? std::optional<result>{}
                             : std::optional<result>{result{mapped, std::move(borrow_)}};
  }

  /// Borrows two parts, which do not overlap when the borrow is exclusive: function returns a
  /// std::pair of references.
  template <class F>
  auto map_split(F&& function, location where = location::current()) && noexcept(
      std::is_nothrow_invocable_v<F, T&>) {
    auto&& parts = detail::invoke(std::forward<F>(function), *value_);
    auto* first = &parts.first;
    auto* second = &parts.second;
    auto more = borrow_.more(where);
    return std::pair{part<std::remove_pointer_t<decltype(first)>>{first, std::move(borrow_)},
                     part<std::remove_pointer_t<decltype(second)>>{second, std::move(more)}};
  }

 private:
  template <class U, interrupt_backend C, detail::access D>
  friend class basic_ref;
  template <class U, interrupt_backend C>
  friend class ref_cell;

  basic_ref(T* value, detail::borrow<B, A> taken) noexcept
      : value_(value), borrow_(std::move(taken)) {}

  T* value_;
  detail::borrow<B, A> borrow_;
};

/// A shared borrow.
/// Safety, Cost: as basic_ref
template <class T, interrupt_backend B = backend::native>
using ref = basic_ref<const T, B, detail::access::shared>;

/// The exclusive borrow.
/// Safety, Cost: as basic_ref
template <class T, interrupt_backend B = backend::native>
using ref_mut = basic_ref<T, B, detail::access::exclusive>;

/// Owns a value that one thread shares with the handlers that run on it. Many shared borrows, or
/// one exclusive borrow, may live at a time; interrupts are disabled while any lives, so a handler
/// never finds the value half changed. A conflict - two borrows of one thread - is a panic, or an
/// empty optional from the try_ functions. It is not thread-safe: for threads there is mutex.
///
///     constinit thread_local sigsafe::ref_cell<counters> mine;
///     mine.borrow_mut()->packets += 1;
///
/// For a thread_local that a handler may touch first, T must satisfy handler_accessible.
/// Safety:   async-signal-safe as far as T is; one thread only
/// Errors:   a conflicting borrow panics; in checked builds with the place of the other borrow
/// Cost:     a borrow: a guard, a test and an increment; 4 bytes beside the value
template <class T, interrupt_backend B = backend::native>
class ref_cell {
 public:
  using value_type = T;
  using backend_type = B;

  constexpr ref_cell() noexcept(std::is_nothrow_default_constructible_v<T>)
    requires std::default_initializable<T>
      : value_() {}
  constexpr explicit ref_cell(T value) noexcept(std::is_nothrow_move_constructible_v<T>)
      : value_(std::move(value)) {}
  template <class... Args>
    requires std::constructible_from<T, Args...>
  constexpr explicit ref_cell(std::in_place_t, Args&&... args)
      : value_(std::forward<Args>(args)...) {}

  /// A cell with a copy of the value, which is borrowed for it; panics when it is mutably borrowed.
  ref_cell(const ref_cell& other, location where = location::current())
    requires std::copy_constructible<T>
      : value_(*other.borrow(where)) {}
  ref_cell& operator=(const ref_cell&) = delete;

  /// Pre:      no mutable borrow lives, else it panics.   Post: !B::enabled() while the ref lives
  [[nodiscard]] ref<T, B> borrow(location where = location::current()) const noexcept {
    const auto taken = detail::hold<B>::take(where);
    if (!flag_.try_share(where))
      flag_.panic("borrow of a cell that is already mutably borrowed", where);
    return {&value_, {flag_, taken, where}};
  }

  /// Pre:      no borrow lives, else it panics.   Post: !B::enabled() while the ref_mut lives
  [[nodiscard]] ref_mut<T, B> borrow_mut(location where = location::current()) noexcept {
    const auto taken = detail::hold<B>::take(where);
    if (!flag_.try_own(where))
      flag_.panic(flag_.is_written() ? "mutable borrow of a cell that is already mutably borrowed"
                                     : "mutable borrow of a cell that is already borrowed",
                  where);
    return {&value_, {flag_, taken, where}};
  }

  /// Empty, and interrupts as they were, when a mutable borrow lives.
  [[nodiscard]] std::optional<ref<T, B>> try_borrow(
      location where = location::current()) const noexcept {
    detail::provisional_hold<B> hold{where};
    if (!flag_.try_share(where)) return std::nullopt;
    return ref<T, B>{&value_, {flag_, hold.keep(), where}};
  }

  /// Empty, and interrupts as they were, when any borrow lives.
  [[nodiscard]] std::optional<ref_mut<T, B>> try_borrow_mut(
      location where = location::current()) noexcept {
    detail::provisional_hold<B> hold{where};
    if (!flag_.try_own(where)) return std::nullopt;
    return ref_mut<T, B>{&value_, {flag_, hold.keep(), where}};
  }

  /// The value without a borrow: null when a mutable borrow lives.
  /// Pre:      nothing borrows mutably while the pointer is used; interrupts are the caller's
  ///           affair
  [[nodiscard]] const T* try_borrow_unguarded() const noexcept {
    return flag_.is_written() ? nullptr : &value_;
  }

  /// Puts a value in; returns the one before.   Pre: no borrow lives, else it panics
  T replace(T value, location where = location::current()) {
    const auto borrowed = borrow_mut(where);
    return std::exchange(*borrowed, std::move(value));
  }

  /// Puts in what function makes of the value (a T&); returns the one before.
  template <class F>
  T replace_with(F&& function, location where = location::current()) {
    const auto borrowed = borrow_mut(where);
    T made = detail::invoke(std::forward<F>(function), *borrowed);
    return std::exchange(*borrowed, std::move(made));
  }

  /// Exchanges the values of two cells.   Pre: no borrow of either lives, and they are two
  void swap(ref_cell& other, location where = location::current()) {
    const auto mine = borrow_mut(where);
    const auto theirs = other.borrow_mut(where);
    using std::swap;
    swap(*mine, *theirs);
  }

  /// Moves the value out and leaves a default one.
  T take(location where = location::current())
    requires std::default_initializable<T>
  {
    return replace(T(), where);
  }

  void set(T value, location where = location::current()) { replace(std::move(value), where); }

  /// Calls function with the value, borrowed; returns what it returns.
  template <class F>
  decltype(auto) with_borrow(F&& function, location where = location::current()) const {
    const auto borrowed = borrow(where);
    return detail::invoke(std::forward<F>(function), *borrowed);
  }
  template <class F>
  decltype(auto) with_borrow_mut(F&& function, location where = location::current()) {
    const auto borrowed = borrow_mut(where);
    return detail::invoke(std::forward<F>(function), *borrowed);
  }

  /// The value without a borrow.   Pre: no handler can reach this cell and no borrow lives
  [[nodiscard]] constexpr T& get_mut() noexcept { return value_; }
  [[nodiscard]] constexpr T* as_ptr() noexcept { return &value_; }
  [[nodiscard]] constexpr const T* as_ptr() const noexcept { return &value_; }
  [[nodiscard]] constexpr T into_inner() && noexcept(std::is_nothrow_move_constructible_v<T>) {
    return std::move(value_);
  }

  /// Compares the values; both are borrowed for it.
  friend bool operator==(const ref_cell& a, const ref_cell& b)
    requires std::equality_comparable<T>
  {
    return *a.borrow() == *b.borrow();
  }
  friend auto operator<=>(const ref_cell& a, const ref_cell& b)
    requires std::three_way_comparable<T>
  {
    return *a.borrow() <=> *b.borrow();
  }

 private:
  T value_;
  mutable detail::borrow_flag flag_;
};

template <class T>
ref_cell(T) -> ref_cell<T>;

namespace detail {

template <class T>
concept constant_default = requires { typename std::bool_constant<(T{}, true)>; };

}  // namespace detail

/// Whether a thread_local of this type may be touched first in a handler: it is
/// constant-initialised and trivially destructible, so that the touch neither allocates nor runs a
/// lazy constructor. Write such an object as `constinit thread_local`, in a shared object that may
/// be loaded by dlopen with __attribute__((tls_model("initial-exec"))) besides. A type that is not
/// (a std::string, a std::vector) goes into static storage, into a fixed-capacity container, or is
/// reached through a pointer that the thread sets, under a guard, before its first signal.
template <class T>
inline constexpr bool handler_accessible =
    std::is_trivially_destructible_v<T> && detail::constant_default<T>;

template <class T, class B>
inline constexpr bool handler_accessible<ref_cell<T, B>> = handler_accessible<T>;

}  // namespace sigsafe
