// What every backend must do, said once: the cases run on each hosted backend and, without an
// operating system, on each processor.
//
// A case is a function template over its environment, which says where it runs:
//
//   struct environment {
//     using backend = ...;      the backend under test
//     template <class F> class handler;
//                               handler<F>{line, f}: while it lives, f handles the line
//     static void raise(line);  makes an interrupt pending on this thread or CPU; when interrupts
//                               are enabled, its handler has run on return
//     static void raise_soon(); line::timer becomes pending by itself, a little later
//     static bool panics(F, const char* text);
//                               does F panic, with this in the text?
//     [[noreturn]] static void fail(const char* what, sigsafe::location);
//   };
//
// A case begins and ends with interrupts enabled and nothing pending.
#pragma once

#include <optional>
#include <utility>

#include <sigsafe/guard.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/ref_cell.hpp>

#include <tests/conformance/list.hpp>

#define CONFORMS(...) \
  ((__VA_ARGS__) ? void() : E::fail(#__VA_ARGS__, ::sigsafe::location::current()))

namespace conformance {

/// Two sources of interrupts.
enum class line : unsigned char { software, timer };

/// Counts the interrupts of a line.
template <class E>
class counter {
 public:
  explicit counter(line from = line::software) : handler_{from, increment{&runs_}} {}
  counter(const counter&) = delete;
  counter& operator=(const counter&) = delete;

  [[nodiscard]] unsigned runs() const noexcept { return runs_; }

 private:
  struct increment {
    volatile unsigned* runs;
    void operator()() const noexcept { *runs = *runs + 1; }
  };

  volatile unsigned runs_ = 0;
  typename E::template handler<increment> handler_;
};

template <class E, class F>
[[nodiscard]] auto handle(line from, F function) {
  return typename E::template handler<F>{from, function};
}

template <class E>
using guard = sigsafe::basic_guard<typename E::backend>;
template <class T, class E>
using mutex = sigsafe::mutex<T, sigsafe::spinlock, typename E::backend>;
template <class T, class E>
using ref_cell = sigsafe::ref_cell<T, typename E::backend>;

/// A value of two words that must be seen together.
struct point {
  int x;
  int y;
  friend constexpr bool operator==(const point&, const point&) = default;
};

template <class E>
[[nodiscard]] bool enabled() noexcept {
  return E::backend::enabled();
}

// ---- backend
// -------------------------------------------------------------------------------------

template <class E>
void backend_restore_puts_back_what_was() {
  using B = typename E::backend;
  const counter<E> arrived;
  CONFORMS(B::enabled());
  const auto saved = B::disable();
  CONFORMS(!B::enabled());
  const auto inner = B::disable();
  E::raise(line::software);
  B::restore(inner);
  CONFORMS(!B::enabled());
  CONFORMS(arrived.runs() == 0);
  B::restore(saved);
  CONFORMS(arrived.runs() == 1);
  CONFORMS(B::enabled());
}

// ---- guard
// ---------------------------------------------------------------------------------------

template <class E>
void guard_interrupts_are_disabled_while_it_lives() {
  CONFORMS(enabled<E>());
  {
    const guard<E> off;
    CONFORMS(!enabled<E>());
  }
  CONFORMS(enabled<E>());
}

template <class E>
void guard_an_interrupt_outside_is_handled_at_once() {
  const counter<E> arrived;
  { const guard<E> off; }
  E::raise(line::software);
  CONFORMS(arrived.runs() == 1);
}

template <class E>
void guard_an_interrupt_inside_is_handled_before_the_next_statement() {
  const counter<E> arrived;
  for (unsigned i = 1; i <= 3; ++i) {
    {
      const guard<E> off;
      E::raise(line::software);
      CONFORMS(arrived.runs() == i - 1);
    }
    CONFORMS(arrived.runs() == i);
  }
}

template <class E>
void guard_nested_guards_enable_only_at_the_outermost_release() {
  const counter<E> arrived;
  {
    const guard<E> outer;
    {
      const guard<E> inner;
      E::raise(line::software);
    }
    CONFORMS(arrived.runs() == 0);
    CONFORMS(!enabled<E>());
    { const guard<E> another; }
    CONFORMS(arrived.runs() == 0);
  }
  CONFORMS(arrived.runs() == 1);
  CONFORMS(enabled<E>());
}

template <class E>
void guard_different_interrupts_inside_all_arrive() {
  const counter<E> software{line::software};
  const counter<E> timer{line::timer};
  {
    const guard<E> off;
    E::raise(line::timer);
    E::raise(line::software);
    CONFORMS(software.runs() == 0 && timer.runs() == 0);
  }
  CONFORMS(software.runs() == 1);
  CONFORMS(timer.runs() == 1);
}

template <class E>
void guard_interrupts_are_disabled_inside_a_handler() {
  bool before = true;
  bool after_a_guard = true;
  const auto handler = handle<E>(line::software, [&]() noexcept {
    before = enabled<E>();
    { const guard<E> off; }
    after_a_guard = enabled<E>();
  });
  E::raise(line::software);
  CONFORMS(!before);
  CONFORMS(!after_a_guard);
}

template <class E>
void guard_its_release_inside_a_handler_lets_no_interrupt_in() {
  const counter<E> second{line::timer};
  unsigned second_inside = 0;
  const auto handler = handle<E>(line::software, [&]() noexcept {
    {
      const guard<E> off;
      E::raise(line::timer);
    }
    second_inside = second.runs();
  });
  E::raise(line::software);
  CONFORMS(second_inside == 0);
  CONFORMS(second.runs() == 1);
}

template <class E>
void guard_functions_return_one() {
  const counter<E> arrived;
  const auto make = [] { return guard<E>{}; };
  {
    const auto off = make();
    E::raise(line::software);
    CONFORMS(arrived.runs() == 0);
  }
  CONFORMS(arrived.runs() == 1);
  {
    const auto off = sigsafe::disable<typename E::backend>();
    E::raise(line::software);
    CONFORMS(arrived.runs() == 1);
  }
  CONFORMS(arrived.runs() == 2);
}

template <class E>
void guard_without_runs_a_function_disabled() {
  using B = typename E::backend;
  const int result = sigsafe::without<B>([] {
    const bool outer = enabled<E>();
    const bool inner = sigsafe::without<B>([] { return enabled<E>(); });
    return !outer && !inner && !enabled<E>() ? 42 : 0;
  });
  CONFORMS(result == 42);
  CONFORMS(enabled<E>());
}

// ---- wait
// ----------------------------------------------------------------------------------------

template <class E>
void wait_an_interrupt_before_it_is_not_missed() {
  const counter<E> arrived;
  guard<E> off;
  E::raise(line::software);
  CONFORMS(arrived.runs() == 0);
  while (arrived.runs() == 0) off.wait();
  CONFORMS(arrived.runs() == 1);
}

template <class E>
void wait_an_interrupt_wakes_it() {
  const counter<E> timer{line::timer};
  for (unsigned i = 1; i <= 3; ++i) {
    guard<E> off;
    E::raise_soon();
    while (timer.runs() < i) off.wait();
    CONFORMS(timer.runs() == i);
  }
}

template <class E>
void wait_interrupts_are_disabled_afterwards() {
  const counter<E> software{line::software};
  const counter<E> timer{line::timer};
  {
    guard<E> off;
    E::raise(line::software);
    while (software.runs() == 0) off.wait();
    CONFORMS(!enabled<E>());
    E::raise(line::timer);
    CONFORMS(timer.runs() == 0);
  }
  CONFORMS(timer.runs() == 1);
  CONFORMS(enabled<E>());
}

template <class E>
void wait_in_a_nested_guard_panics() {
  CONFORMS(E::panics(
      [] {
        const counter<E> timer{line::timer};
        const guard<E> outer;
        guard<E> inner;
        E::raise_soon();  // ends a wait that does not panic
        inner.wait();
      },
      "wait in a nested guard would enable what the outer one disabled"));
}

template <class E>
void wait_in_a_handler_panics() {
  CONFORMS(E::panics(
      [] {
        const auto handler = handle<E>(line::software, []() noexcept {
          guard<E> off;
          off.wait();
        });
        E::raise(line::software);
      },
      "wait in"));
}

// ---- mutex
// ---------------------------------------------------------------------------------------

template <class E>
void mutex_interrupts_are_disabled_while_it_is_locked() {
  const counter<E> arrived;
  mutex<int, E> shared{0};
  {
    const auto locked = shared.lock();
    CONFORMS(!enabled<E>());
    CONFORMS(shared.is_locked());
    E::raise(line::software);
    *locked = 7;
    CONFORMS(arrived.runs() == 0);
  }
  CONFORMS(arrived.runs() == 1);
  CONFORMS(enabled<E>());
  CONFORMS(!shared.is_locked());
  CONFORMS(*shared.lock() == 7);
}

template <class E>
void mutex_a_handler_that_was_held_off_finds_it_free() {
  mutex<point, E> shared{point{0, 0}};
  bool consistent = false;
  const auto handler = handle<E>(line::software, [&]() noexcept {
    if (const auto locked = shared.try_lock()) consistent = *locked == point{1, 1};
  });
  {
    const auto locked = shared.lock();
    locked->x = 1;
    E::raise(line::software);
    locked->y = 1;
  }
  CONFORMS(consistent);
}

template <class E>
void mutex_a_handler_locks_it_too() {
  mutex<int, E> shared{0};
  const auto handler = handle<E>(line::software, [&]() noexcept { *shared.lock() += 10; });
  E::raise(line::software);
  {
    const auto locked = shared.lock();
    E::raise(line::software);
    *locked += 1;
  }
  CONFORMS(*shared.lock() == 21);
}

template <class E>
void mutex_a_failed_try_lock_leaves_interrupts_as_they_were() {
  mutex<int, E> shared{0};
  auto held = shared.lock();
  CONFORMS(!shared.try_lock());
  CONFORMS(!enabled<E>());
  held.unlock();
  CONFORMS(enabled<E>());
  sigsafe::raw_mutex<sigsafe::spinlock, typename E::backend> raw;
  raw.underlying().lock();
  CONFORMS(!raw.try_lock());
  CONFORMS(enabled<E>());
  raw.underlying().unlock();
  bool disabled = false;
  if (raw.try_lock()) {
    disabled = !enabled<E>();
    raw.unlock();
  }
  CONFORMS(disabled);
  CONFORMS(enabled<E>());
}

template <class E>
void mutex_its_guard_moves_and_is_released_once() {
  mutex<int, E> shared{1};
  {
    auto first = shared.lock();
    auto second = std::move(first);
    CONFORMS(!first && second);
    first.unlock();
    CONFORMS(!enabled<E>());
    *second = 5;
    second.unlock();
    CONFORMS(enabled<E>());
    second.unlock();
  }
  CONFORMS(enabled<E>());
  CONFORMS(shared.with_lock([](int& value) { return value; }) == 5);
  CONFORMS(enabled<E>());
}

template <class E>
void mutex_nested_ones_enable_with_the_outermost() {
  const counter<E> arrived;
  mutex<int, E> one{0};
  mutex<int, E> two{0};
  {
    const auto outer = one.lock();
    {
      const auto inner = two.lock();
      E::raise(line::software);
    }
    CONFORMS(arrived.runs() == 0);
    CONFORMS(!enabled<E>());
  }
  CONFORMS(arrived.runs() == 1);
}

/// Somebody else holds it until it has been waited for, and an interrupt comes meanwhile.
template <class E>
class contended_lock {
 public:
  void lock() noexcept {
    while (!try_lock()) wait();
  }
  [[nodiscard]] bool try_lock() noexcept { return waited_for_; }
  void wait() noexcept {
    waited_for_ = true;
    E::raise(line::software);
  }
  void unlock() noexcept { waited_for_ = false; }

 private:
  bool waited_for_ = false;
};

template <class E>
void mutex_interrupts_are_enabled_while_it_waits() {
  const counter<E> arrived;
  sigsafe::raw_mutex<contended_lock<E>, typename E::backend> shared;
  for (unsigned i = 1; i <= 3; ++i) {
    shared.lock();
    CONFORMS(arrived.runs() == i);
    CONFORMS(!enabled<E>());
    shared.unlock();
    CONFORMS(enabled<E>());
  }
}

template <class E>
void mutex_under_an_outer_hold_they_stay_disabled_while_it_waits() {
  const counter<E> arrived;
  sigsafe::raw_mutex<contended_lock<E>, typename E::backend> shared;
  {
    const guard<E> outer;
    shared.lock();
    CONFORMS(arrived.runs() == 0);
    shared.unlock();
    CONFORMS(arrived.runs() == 0);
  }
  CONFORMS(arrived.runs() == 1);
  CONFORMS(enabled<E>());
}

// ---- ref_cell
// ------------------------------------------------------------------------------------

template <class E>
void ref_cell_interrupts_are_disabled_while_it_is_borrowed() {
  const counter<E> arrived;
  ref_cell<int, E> cell{5};
  {
    const auto writer = cell.borrow_mut();
    E::raise(line::software);
    CONFORMS(arrived.runs() == 0);
    *writer = 6;
  }
  CONFORMS(arrived.runs() == 1);
  {
    const auto first = cell.borrow();
    const auto second = cell.borrow();
    E::raise(line::software);
    CONFORMS(*first == 6 && *second == 6);
    CONFORMS(arrived.runs() == 1);
  }
  CONFORMS(arrived.runs() == 2);
  CONFORMS(enabled<E>());
}

template <class E>
void ref_cell_a_handler_that_was_held_off_finds_it_free() {
  ref_cell<point, E> cell{point{0, 0}};
  bool consistent = false;
  const auto handler = handle<E>(line::software, [&]() noexcept {
    if (const auto borrowed = cell.try_borrow_mut()) consistent = **borrowed == point{1, 1};
  });
  {
    const auto writer = cell.borrow_mut();
    writer->x = 1;
    E::raise(line::software);
    writer->y = 1;
  }
  CONFORMS(consistent);
}

template <class E>
void ref_cell_a_refused_borrow_leaves_interrupts_as_they_were() {
  ref_cell<int, E> cell{0};
  {
    const auto reader = cell.borrow();
    CONFORMS(!cell.try_borrow_mut());
    CONFORMS(cell.try_borrow().has_value());
    CONFORMS(!enabled<E>());
  }
  CONFORMS(enabled<E>());
  {
    const auto writer = cell.borrow_mut();
    CONFORMS(!cell.try_borrow());
    CONFORMS(cell.try_borrow_unguarded() == nullptr);
    CONFORMS(!enabled<E>());
  }
  CONFORMS(enabled<E>());
  CONFORMS(cell.try_borrow_unguarded() == cell.as_ptr());
}

template <class E>
void ref_cell_a_conflicting_borrow_panics() {
  CONFORMS(E::panics(
      [] {
        ref_cell<int, E> cell{0};
        const auto writer = cell.borrow_mut();
        const auto reader = cell.borrow();
      },
      "borrow of a cell that is already mutably borrowed"));
  CONFORMS(E::panics(
      [] {
        ref_cell<int, E> cell{0};
        const auto reader = cell.borrow();
        const auto writer = cell.borrow_mut();
      },
      "mutable borrow of a cell that is already borrowed"));
}

template <class E>
void ref_cell_parts_are_borrowed_and_cloned() {
  ref_cell<point, E> cell{point{1, 2}};
  {
    const auto y = cell.borrow().map(&point::y);
    const auto again = y.clone();
    CONFORMS(*y == 2 && *again == 2);
    CONFORMS(!cell.try_borrow_mut());
  }
  {
    auto whole = cell.borrow_mut();
    CONFORMS(!std::move(whole).filter_map([](point&) -> int* { return nullptr; }));
    const auto x = std::move(whole).filter_map([](point& p) { return &p.x; });
    CONFORMS(x.has_value());
    **x = 10;
  }
  {
    const auto [x, y] =
        cell.borrow_mut().map_split([](point& p) { return std::pair<int&, int&>{p.x, p.y}; });
    *x += 1;
    *y += 1;
    CONFORMS(!enabled<E>());
  }
  CONFORMS(enabled<E>());
  CONFORMS(*cell.borrow() == point{11, 3});
}

template <class E>
void ref_cell_whole_values_go_in_and_come_out() {
  ref_cell<int, E> one{1};
  ref_cell<int, E> two{2};
  one.swap(two);
  CONFORMS(one.replace(5) == 2);
  CONFORMS(one.replace_with([](int value) { return value + 1; }) == 5);
  CONFORMS(one.take() == 6);
  one.set(1);
  CONFORMS(one == two);
  const ref_cell<int, E> copy{one};
  CONFORMS(copy.with_borrow([](int value) { return value; }) == 1);
  CONFORMS(enabled<E>());
}

// ---- counting backends
// ---------------------------------------------------------------------------

template <class E>
void any_order_locks_and_borrows_enable_with_the_last_release() {
  const counter<E> arrived;
  mutex<int, E> shared{0};
  ref_cell<int, E> cell{0};
  for (unsigned order = 0; order < 6; ++order) {
    const unsigned before = arrived.runs();
    std::optional lock{shared.lock()};
    std::optional writer{cell.borrow_mut()};
    ref_cell<int, E> another{0};
    std::optional reader{another.borrow()};
    const auto end = [&](unsigned which) {
      if (which == 0) lock.reset();
      if (which == 1) writer.reset();
      if (which == 2) reader.reset();
    };
    const unsigned first = order % 3;
    const unsigned second = (first + 1 + order / 3) % 3;
    const unsigned last = 3 - first - second;
    E::raise(line::software);
    end(first);
    CONFORMS(arrived.runs() == before && !enabled<E>());
    end(second);
    CONFORMS(arrived.runs() == before && !enabled<E>());
    end(last);
    CONFORMS(arrived.runs() == before + 1 && enabled<E>());
  }
}

template <class E>
void any_order_a_chain_of_locks_hand_over_hand_stays_disabled() {
  const counter<E> arrived;
  mutex<int, E> even{0};
  mutex<int, E> odd{0};
  auto held = even.lock();
  for (unsigned i = 0; i < 4; ++i) {
    auto next = i % 2 == 0 ? odd.lock() : even.lock();
    E::raise(line::software);
    held = std::move(next);
    CONFORMS(arrived.runs() == 0);
  }
  held.unlock();
  CONFORMS(arrived.runs() >= 1);
  CONFORMS(enabled<E>());
}

}  // namespace conformance
