// ref_cell.hpp: ref_cell, ref, ref_mut, handler_accessible. The order of ends is in any_order.cpp.
#include <boost/test/unit_test.hpp>

#include <pthread.h>
#include <signal.h>

#include <array>
#include <compare>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <sigsafe/backend/none.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/ref_cell.hpp>

#include <tests/support/allocations.hpp>
#include <tests/support/arrivals.hpp>
#include <tests/support/backends.hpp>
#include <tests/support/broken_backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/syscalls.hpp>

namespace {

namespace backend = sigsafe::backend;
using sigsafe::ref_cell;
using test::child_end;
using test::counter;
using test::in_child;

struct point {
  int x = 0;
  int y = 0;
  friend auto operator<=>(const point&, const point&) = default;
};

/// Broken: enables first and frees the cell second.
template <class T, class B>
class enables_before_it_is_free {
 public:
  explicit enables_before_it_is_free(T value) : value_(value) {}

  template <class F>
  void with_borrow_mut(F&& function) {
    struct end {
      enables_before_it_is_free& cell;
      typename B::saved_state saved;
      ~end() {
        B::restore(saved);
        cell.borrowed_ = false;
      }
    };
    const end at_the_end{*this, B::disable()};
    borrowed_ = true;
    function(value_);
  }
  std::optional<T*> try_borrow_mut() {
    return borrowed_ ? std::nullopt : std::optional<T*>{&value_};
  }

 private:
  T value_;
  bool borrowed_ = false;
};

template <class Cell>
child_end a_handler_finds_the_cell_free(bool by_exception) {
  return in_child([=] {
    Cell cell{0};
    int ran = 0;
    const sigsafe::handler usr1{SIGUSR1, [&]() noexcept {
                                  ++ran;
                                  if (const auto borrowed = cell.try_borrow_mut()) ++**borrowed;
                                }};
    try {
      cell.with_borrow_mut([&](int& value) {
        raise(SIGUSR1);
        CHILD_REQUIRE(value == 0);
        if (by_exception) throw std::runtime_error("from inside");
      });
    } catch (const std::runtime_error&) {}
    CHILD_REQUIRE(ran == 1);
    int found = -1;
    cell.with_borrow_mut([&](int& value) { found = value; });
    CHILD_REQUIRE(found == 1);
  });
}

/// Borrowed mutably, borrowed, or free: what try_borrow and try_borrow_mut give.
template <class T, class B>
bool is_free(ref_cell<T, B>& cell) {
  return cell.try_borrow_mut().has_value();
}
template <class T, class B>
bool is_shared(ref_cell<T, B>& cell) {
  return !is_free(cell) && cell.try_borrow().has_value();
}
template <class T, class B>
bool is_exclusive(ref_cell<T, B>& cell) {
  return !cell.try_borrow().has_value();
}

template <class F>
bool throws(F&& function) {
  try {
    function();
  } catch (const std::runtime_error&) {
    return true;
  }
  return false;
}

std::string here(unsigned line) {
  return std::string(__FILE__) + ":" + std::to_string(line) + ": ";
}

const std::string mut_of_mut = "mutable borrow of a cell that is already mutably borrowed";
const std::string mut_of_shared = "mutable borrow of a cell that is already borrowed";
const std::string shared_of_mut = "borrow of a cell that is already mutably borrowed";

constinit ref_cell<point> static_cell{point{1, 2}};
constinit sigsafe::lazy::ref_cell<int> static_lazy_cell;

template <class B>
constinit thread_local ref_cell<std::array<int, 64>, B> mine;

thread_local std::vector<int> allocating;  // what mine must not be

/// How often threads allocate in the handler that is the first to touch a thread_local of theirs.
template <class Touch>
long allocations_of_a_first_touch(Touch touch) {
  static std::atomic<long> inside;
  inside = 0;
  test::gate handled;
  const sigsafe::handler usr1{SIGUSR1, [&]() noexcept {
                                const long before = test::allocations.load();
                                touch();
                                inside += test::allocations.load() - before;
                                handled.open();
                              }};
  for (int i = 0; i < 50; ++i) {
    std::thread{[&] {
      pthread_kill(pthread_self(), SIGUSR1);
      handled.pass();
    }}.join();
  }
  return inside;
}

template <class T>
inline constexpr bool accessible = sigsafe::handler_accessible<T>;

struct has_destructor {
  ~has_destructor() {}
};
struct not_constant {
  not_constant() : value(static_cast<int>(getpid())) {}
  int value;
};
struct no_default {
  constexpr explicit no_default(int) {}
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(ref_cell_, test::clean_thread)

BOOST_AUTO_TEST_CASE_TEMPLATE(interrupts_are_disabled_while_a_borrow_lives, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    const counter usr1{SIGUSR1};
    ref_cell<int, B> cell{7};
    const auto disabled_by = [&](auto borrow) {
      const int before = usr1.runs();
      {
        [[maybe_unused]] const auto borrowed = borrow();
        CHILD_REQUIRE(!B::enabled());
        raise(SIGUSR1);
        CHILD_REQUIRE(usr1.runs() == before);
      }
      CHILD_REQUIRE(usr1.runs() == before + 1);
      CHILD_REQUIRE(B::enabled());
    };
    disabled_by([&] { return cell.borrow(); });
    disabled_by([&] { return cell.borrow_mut(); });
    disabled_by([&] { return cell.try_borrow(); });
    disabled_by([&] { return cell.try_borrow_mut(); });
    disabled_by([&] { return cell.borrow().clone(); });
    cell.with_borrow([](const int&) { CHILD_REQUIRE(!B::enabled()); });
    cell.with_borrow_mut([](int&) { CHILD_REQUIRE(!B::enabled()); });
    CHILD_REQUIRE(B::enabled());
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(many_read_or_one_writes, B, test::hosted_backends) {
  const child_end end = in_child([] {
    ref_cell<int, B> cell{7};
    {
      const auto first = cell.borrow();
      const auto second = cell.borrow();
      const auto third = second.clone();
      CHILD_REQUIRE(*first == 7 && *second == 7 && *third == 7);
      CHILD_REQUIRE(&*first == &*third);
      CHILD_REQUIRE(is_shared(cell));
    }
    CHILD_REQUIRE(is_free(cell));
    {
      const auto writer = cell.borrow_mut();
      *writer = 8;
      CHILD_REQUIRE(is_exclusive(cell));
      CHILD_REQUIRE(!cell.try_borrow_mut());
    }
    CHILD_REQUIRE(is_free(cell));
    CHILD_REQUIRE(*cell.borrow() == 8);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_refused_borrow_leaves_interrupts_as_they_were, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    const counter usr1{SIGUSR1};
    ref_cell<int, B> cell{7};
    {
      const auto writer = cell.borrow_mut();
      CHILD_REQUIRE(!cell.try_borrow());
      CHILD_REQUIRE(!cell.try_borrow_mut());
      raise(SIGUSR1);
      CHILD_REQUIRE(usr1.runs() == 0);
    }
    CHILD_REQUIRE(usr1.runs() == 1);
    CHILD_REQUIRE(B::enabled());
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_that_was_held_off_finds_the_cell_free, B,
                              test::hosted_backends) {
  for (const bool by_exception : {false, true})
    BOOST_TEST(test::holds(a_handler_finds_the_cell_free<ref_cell<int, B>>(by_exception)));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_cell_that_is_freed_too_late_is_caught, B, test::hosted_backends) {
  for (const bool by_exception : {false, true})
    BOOST_TEST(test::is_caught(
        a_handler_finds_the_cell_free<enables_before_it_is_free<int, B>>(by_exception)));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_borrow_without_a_guard_counts_nothing, B, test::hosted_backends) {
  const child_end end = in_child([] {
    ref_cell<int, B> cell{7};
    {
      CHILD_REQUIRE(cell.try_borrow_unguarded() == cell.as_ptr());
      CHILD_REQUIRE(B::enabled());
      CHILD_REQUIRE(is_free(cell));
    }
    const auto reader = cell.borrow();
    CHILD_REQUIRE(cell.try_borrow_unguarded() == cell.as_ptr());
    ref_cell<int, B> other{8};
    const auto writer = other.borrow_mut();
    CHILD_REQUIRE(other.try_borrow_unguarded() == nullptr);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(whole_values_go_in_and_come_out, B, test::hosted_backends) {
  const child_end end = in_child([] {
    ref_cell<std::string, B> cell{"one"};
    CHILD_REQUIRE(cell.replace("two") == "one");
    CHILD_REQUIRE(cell.replace_with([](std::string& old) { return old + "!"; }) == "two");
    CHILD_REQUIRE(*cell.borrow() == "two!");
    ref_cell<std::string, B> other{"other"};
    cell.swap(other);
    CHILD_REQUIRE(*cell.borrow() == "other");
    CHILD_REQUIRE(*other.borrow() == "two!");
    CHILD_REQUIRE(other.take() == "two!");
    CHILD_REQUIRE(other.borrow()->empty());
    other.set("set");
    CHILD_REQUIRE(*other.borrow() == "set");
    other.get_mut() = "got";
    CHILD_REQUIRE(*other.as_ptr() == "got");
    CHILD_REQUIRE(std::move(other).into_inner() == "got");
    CHILD_REQUIRE(B::enabled());
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(whole_values_are_changed_with_interrupts_disabled, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    ref_cell<int, B> cell{1};
    int runs = 0;
    const sigsafe::handler usr1{SIGUSR1, [&]() noexcept {
                                  ++runs;
                                  *cell.borrow_mut() += 10;
                                }};
    CHILD_REQUIRE(cell.replace_with([&](int& value) {
      raise(SIGUSR1);
      CHILD_REQUIRE(runs == 0);
      return value + 1;
    }) == 1);
    CHILD_REQUIRE(runs == 1);
    CHILD_REQUIRE(*cell.borrow() == 12);
    CHILD_REQUIRE(throws(
        [&] { cell.replace_with([](int&) -> int { throw std::runtime_error("from inside"); }); }));
    CHILD_REQUIRE(*cell.borrow() == 12);
    CHILD_REQUIRE(B::enabled());
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(functions_with_a_borrow_return_and_throw, B, test::hosted_backends) {
  const child_end end = in_child([] {
    ref_cell<point, B> cell{point{3, 4}};
    CHILD_REQUIRE(cell.with_borrow(&point::y) == 4);
    CHILD_REQUIRE(cell.with_borrow_mut([](point& p) { return ++p.x; }) == 4);
    const int& reference = cell.with_borrow([](const point& p) -> const int& { return p.x; });
    CHILD_REQUIRE(&reference == &cell.get_mut().x);
    CHILD_REQUIRE(throws(
        [&] { cell.with_borrow([](const point&) { throw std::runtime_error("from inside"); }); }));
    CHILD_REQUIRE(is_free(cell));
    CHILD_REQUIRE(B::enabled());
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(it_is_constructed_in_every_way) {
  BOOST_TEST(static_cell.borrow()->y == 2);
  BOOST_TEST(*static_lazy_cell.borrow() == 0);
  ref_cell deduced{1.5};
  BOOST_TEST((std::is_same_v<decltype(deduced), ref_cell<double>>));
  const ref_cell<std::string> in_place{std::in_place, 2U, 'x'};
  BOOST_TEST(*in_place.borrow() == "xx");
  const ref_cell<std::unique_ptr<int>> only_moves{std::make_unique<int>(5)};
  BOOST_TEST(**only_moves.borrow() == 5);
  BOOST_TEST(!std::is_default_constructible_v<ref_cell<no_default>>);
  BOOST_TEST(!std::is_copy_constructible_v<ref_cell<std::unique_ptr<int>>>);
  BOOST_TEST(!std::is_copy_assignable_v<ref_cell<int>>);
}

BOOST_AUTO_TEST_CASE(without_a_borrow_the_value_is_reached_at_compile_time_too) {
  constexpr auto twice = [] {
    sigsafe::ref_cell<int> cell{5};
    return cell.get_mut() + *cell.as_ptr();
  };
  static_assert(twice() == 10);
  BOOST_TEST(twice() == 10);
}

BOOST_AUTO_TEST_CASE(a_copy_has_the_value_and_its_own_flag) {
  ref_cell<std::string> cell{"value"};
  const auto reading = cell.borrow();
  ref_cell<std::string> copy = cell;
  BOOST_TEST(is_free(copy));
  *copy.borrow_mut() = "changed";
  BOOST_TEST(*reading == "value");
}

BOOST_AUTO_TEST_CASE(cells_compare_by_their_values) {
  const ref_cell<point> one{point{1, 2}};
  const ref_cell<point> same{point{1, 2}};
  const ref_cell<point> greater{point{2, 0}};
  BOOST_TEST((one == same));
  BOOST_TEST((one == one));
  BOOST_TEST((one != greater));
  BOOST_TEST((one < greater && one <= same && greater > one && greater >= one));
  BOOST_TEST(((one <=> same) == std::strong_ordering::equal));
  const ref_cell<double> nan{0.0 / 0.0};
  BOOST_TEST(((nan <=> nan) == std::partial_ordering::unordered));
}

BOOST_AUTO_TEST_CASE(a_conflict_panics_and_names_the_place) {
  unsigned line = __LINE__ + 4;
  const child_end reads_a_writers = in_child([] {
    ref_cell<int> cell{0};
    const auto writer = cell.borrow_mut();
    const auto reader = cell.borrow();
  });
  BOOST_TEST(test::panics(reads_a_writers, here(line) + shared_of_mut));
  line = __LINE__ + 4;
  const child_end writes_a_writers = in_child([] {
    sigsafe::lazy::ref_cell<int> cell{0};
    const auto writer = cell.borrow_mut();
    const auto second = cell.borrow_mut();
  });
  BOOST_TEST(test::panics(writes_a_writers, here(line) + mut_of_mut));
  line = __LINE__ + 4;
  const child_end writes_a_readers = in_child([] {
    ref_cell<int> cell{0};
    const auto reader = cell.borrow();
    const auto writer = cell.borrow_mut();
  });
  BOOST_TEST(test::panics(writes_a_readers, here(line) + mut_of_shared));
}

BOOST_AUTO_TEST_CASE(every_member_that_borrows_panics_with_the_callers_place) {
  const auto under_a_writer = [](auto use) {
    return in_child([&] {
      ref_cell<int> cell{0};
      const auto writer = cell.borrow_mut();
      use(cell);
    });
  };
  const auto place = [](unsigned line, const std::string& text) { return here(line) + text; };
  const unsigned first = __LINE__ + 1;
  const child_end replaced = under_a_writer([](auto& cell) { cell.replace(1); });
  const child_end made = under_a_writer([](auto& cell) { cell.replace_with(std::negate{}); });
  const child_end taken = under_a_writer([](auto& cell) { cell.take(); });
  const child_end set = under_a_writer([](auto& cell) { cell.set(1); });
  const child_end with = under_a_writer([](auto& cell) { cell.with_borrow([](int) {}); });
  const child_end with_mut = under_a_writer([](auto& cell) { cell.with_borrow_mut([](int) {}); });
  const child_end self = in_child([] {
    ref_cell<int> cell{0};
    cell.swap(cell);
  });
  const child_end copied = under_a_writer([](auto& cell) { return ref_cell<int>{cell}.take(); });
  BOOST_TEST(test::panics(replaced, place(first, mut_of_mut)));
  BOOST_TEST(test::panics(made, place(first + 1, mut_of_mut)));
  BOOST_TEST(test::panics(taken, place(first + 2, mut_of_mut)));
  BOOST_TEST(test::panics(set, place(first + 3, mut_of_mut)));
  BOOST_TEST(test::panics(with, place(first + 4, shared_of_mut)));
  BOOST_TEST(test::panics(with_mut, place(first + 5, mut_of_mut)));
  BOOST_TEST(test::panics(self, place(first + 8, mut_of_mut)));
  BOOST_TEST(test::panics(copied, place(first + 10, shared_of_mut)));
  const child_end compared = under_a_writer([](auto& cell) { return cell == cell; });
  BOOST_TEST(test::panics(compared, shared_of_mut));
}

BOOST_AUTO_TEST_CASE(a_lazy_borrow_makes_no_system_call) {
  sigsafe::lazy::ref_cell<int> cell{0};
  BOOST_TEST(test::count_system_calls([&] { ++*cell.borrow_mut(); }) == 0);
  BOOST_TEST(test::count_system_calls([&] {
               if (const auto reader = cell.try_borrow()) static_cast<void>(reader->clone());
               cell.replace(1);
             }) == 0);
}

BOOST_AUTO_TEST_CASE(an_eager_borrow_makes_two_system_calls) {
  ref_cell<int> cell{0};
  BOOST_TEST(test::count_system_calls([&] { ++*cell.borrow_mut(); }) == 2);
}

#if !SIGSAFE_CHECKED
BOOST_AUTO_TEST_CASE_TEMPLATE(it_takes_four_bytes_beside_the_value, B, test::hosted_backends) {
  BOOST_TEST(sizeof(ref_cell<int, B>) == 8U);
  BOOST_TEST(sizeof(sigsafe::ref<int, B>) == 2 * sizeof(void*));
  BOOST_TEST(sizeof(sigsafe::ref_mut<int, B>) == 2 * sizeof(void*));
}
#endif

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(ref, test::clean_thread)

BOOST_AUTO_TEST_CASE_TEMPLATE(it_moves_and_carries_the_borrow, B, test::hosted_backends) {
  const child_end end = in_child([] {
    const counter usr1{SIGUSR1};
    ref_cell<point, B> one{point{1, 1}};
    ref_cell<point, B> two{point{2, 2}};
    {
      auto first = one.borrow();
      auto moved = std::move(first);
      CHILD_REQUIRE(is_shared(one));
      moved = two.borrow();  // ends the borrow of one
      CHILD_REQUIRE(is_free(one));
      CHILD_REQUIRE(is_shared(two));
      CHILD_REQUIRE(moved->x == 2);
      auto& same = moved;
      moved = std::move(same);
      CHILD_REQUIRE(is_shared(two));
      raise(SIGUSR1);
      CHILD_REQUIRE(usr1.runs() == 0);
    }
    CHILD_REQUIRE(usr1.runs() == 1);
    {
      auto first = one.borrow_mut();
      auto second = two.borrow_mut();
      first = std::move(second);
      CHILD_REQUIRE(is_free(one));
      CHILD_REQUIRE(is_exclusive(two));
      first->x = 5;
    }
    CHILD_REQUIRE(two.borrow()->x == 5);
    CHILD_REQUIRE(is_free(one) && is_free(two));
    CHILD_REQUIRE(B::enabled());
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(map_narrows_the_borrow_to_a_part, B, test::hosted_backends) {
  const child_end end = in_child([] {
    ref_cell<point, B> cell{point{1, 2}};
    {
      const auto y = cell.borrow().map([](const point& p) -> const int& { return p.y; });
      static_assert(std::is_same_v<decltype(y), const sigsafe::ref<int, B>>);
      CHILD_REQUIRE(*y == 2);
      CHILD_REQUIRE(is_shared(cell));
      const auto again = y.clone();
      CHILD_REQUIRE(&*again == &*y);
    }
    {
      const auto x = cell.borrow_mut().map(&point::x);
      static_assert(std::is_same_v<decltype(x), const sigsafe::ref_mut<int, B>>);
      *x = 10;
      CHILD_REQUIRE(is_exclusive(cell));
    }
    CHILD_REQUIRE(cell.borrow()->x == 10);
    CHILD_REQUIRE(*cell.borrow().map(&point::x) == 10);
    CHILD_REQUIRE(is_free(cell));
    CHILD_REQUIRE(B::enabled());
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(filter_map_gives_a_part_or_leaves_the_original, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    ref_cell<std::array<int, 3>, B> cell{{1, 2, 3}};
    const auto at = [](std::size_t index) {
      return [=](auto& values) { return index < values.size() ? &values[index] : nullptr; };
    };
    {
      auto whole = cell.borrow();
      CHILD_REQUIRE(!std::move(whole).filter_map(at(9)));
      CHILD_REQUIRE(is_shared(cell));
      CHILD_REQUIRE(whole->size() == 3);
      const auto part = std::move(whole).filter_map(at(1));
      static_assert(std::is_same_v<decltype(part), const std::optional<sigsafe::ref<int, B>>>);
      CHILD_REQUIRE(**part == 2);
      CHILD_REQUIRE(is_shared(cell));
    }
    CHILD_REQUIRE(is_free(cell));
    {
      auto whole = cell.borrow_mut();
      CHILD_REQUIRE(!std::move(whole).filter_map(at(3)));
      CHILD_REQUIRE(is_exclusive(cell));
      (*whole)[0] = 7;
      const auto part = std::move(whole).filter_map(at(2));
      static_assert(std::is_same_v<decltype(part), const std::optional<sigsafe::ref_mut<int, B>>>);
      **part = 9;
      CHILD_REQUIRE(is_exclusive(cell));
    }
    CHILD_REQUIRE((cell.take() == std::array{7, 2, 9}));
    CHILD_REQUIRE(B::enabled());
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(map_split_gives_two_parts_that_are_released_in_either_order, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    const counter usr1{SIGUSR1};
    ref_cell<point, B> cell{point{1, 2}};
    const auto parts = [](auto& p) {
      return std::pair<decltype((p.x)), decltype((p.y))>{p.x, p.y};
    };
    for (const bool first_ends_first : {true, false}) {
      const int runs = usr1.runs();
      {
        auto [x, y] = cell.borrow().map_split(parts);
        CHILD_REQUIRE(*x == 1 && *y == 2);
        std::optional first{std::move(x)};
        std::optional second{std::move(y)};
        (first_ends_first ? first : second).reset();
        CHILD_REQUIRE(is_shared(cell));
        raise(SIGUSR1);
        (first_ends_first ? second : first).reset();
        CHILD_REQUIRE(is_free(cell));
        CHILD_REQUIRE(usr1.runs() == runs + 1);
      }
      {
        auto [x, y] = cell.borrow_mut().map_split(parts);
        std::swap(*x, *y);
        CHILD_REQUIRE(is_exclusive(cell));
        std::swap(*x, *y);
        std::optional first{std::move(x)};
        std::optional second{std::move(y)};
        (first_ends_first ? first : second).reset();
        CHILD_REQUIRE(is_exclusive(cell));
        raise(SIGUSR1);
        CHILD_REQUIRE(usr1.runs() == runs + 1);
        (first_ends_first ? second : first).reset();
        CHILD_REQUIRE(is_free(cell));
        CHILD_REQUIRE(usr1.runs() == runs + 2);
      }
    }
    CHILD_REQUIRE(B::enabled());
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_function_that_throws_releases_no_borrow_too_early_or_too_late, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    ref_cell<point, B> cell{point{1, 2}};
    int found_free = 0;
    const sigsafe::handler usr1{SIGUSR1, [&]() noexcept { found_free += is_free(cell) ? 1 : 0; }};
    const auto refuse = [](auto&) -> int& {
      raise(SIGUSR1);
      throw std::runtime_error("from inside");
    };
    const auto refuse_pointer = [](auto&) -> int* { throw std::runtime_error("from inside"); };
    CHILD_REQUIRE(throws([&] { static_cast<void>(cell.borrow().map(refuse)); }));
    CHILD_REQUIRE(throws([&] { static_cast<void>(cell.borrow_mut().map(refuse)); }));
    CHILD_REQUIRE(found_free == 2);
    auto whole = cell.borrow_mut();
    CHILD_REQUIRE(throws([&] { static_cast<void>(std::move(whole).map(refuse)); }));
    CHILD_REQUIRE(throws([&] { static_cast<void>(std::move(whole).filter_map(refuse_pointer)); }));
    CHILD_REQUIRE(is_exclusive(cell));
    CHILD_REQUIRE(found_free == 2);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(it_moves_without_exceptions_and_only_ref_is_cloned) {
  using ref_type = sigsafe::ref<int>;
  using mut_type = sigsafe::ref_mut<int>;
  BOOST_TEST((!std::is_copy_constructible_v<ref_type> && !std::is_copy_assignable_v<ref_type>));
  BOOST_TEST((!std::is_copy_constructible_v<mut_type> && !std::is_copy_assignable_v<mut_type>));
  BOOST_TEST((std::is_nothrow_move_constructible_v<ref_type> &&
              std::is_nothrow_move_assignable_v<ref_type>));
  BOOST_TEST((std::is_nothrow_move_constructible_v<mut_type> &&
              std::is_nothrow_move_assignable_v<mut_type>));
  constexpr auto can_clone = []<class R>(std::type_identity<R>) {
    return requires(R& borrowed) { borrowed.clone(); };
  };
  BOOST_TEST(can_clone(std::type_identity<ref_type>{}));
  BOOST_TEST(!can_clone(std::type_identity<mut_type>{}));
  BOOST_TEST((std::is_same_v<decltype(*std::declval<ref_type&>()), const int&>));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(handler_accessible, test::clean_thread)

BOOST_AUTO_TEST_CASE(it_says_what_a_handler_may_touch_first) {
  BOOST_TEST(accessible<int>);
  BOOST_TEST(accessible<int*>);
  BOOST_TEST(accessible<point>);
  BOOST_TEST((accessible<std::array<point, 100>>));
  BOOST_TEST(accessible<std::optional<int>>);
  BOOST_TEST(accessible<ref_cell<point>>);
  BOOST_TEST(accessible<sigsafe::lazy::ref_cell<int>>);
}

BOOST_AUTO_TEST_CASE(it_refuses_destructors_and_constructors_that_run) {
  BOOST_TEST(!accessible<std::string>);
  BOOST_TEST(!accessible<std::vector<int>>);
  BOOST_TEST(!accessible<std::unique_ptr<int>>);
  BOOST_TEST(!accessible<has_destructor>);
  BOOST_TEST(!accessible<not_constant>);
  BOOST_TEST(!accessible<no_default>);
  BOOST_TEST(!accessible<ref_cell<std::string>>);
  BOOST_TEST(!accessible<sigsafe::lazy::ref_cell<not_constant>>);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_first_touch_in_a_handler_does_not_allocate, B,
                              test::hosted_backends) {
  static_assert(sigsafe::handler_accessible<decltype(mine<B>)>);
  BOOST_TEST(allocations_of_a_first_touch([]() noexcept { ++(*mine<B>.borrow_mut())[63]; }) == 0);
}

BOOST_AUTO_TEST_CASE(an_allocation_in_a_handler_is_caught) {
  BOOST_TEST(allocations_of_a_first_touch([]() noexcept { allocating.push_back(1); }) >= 50);
}

BOOST_AUTO_TEST_SUITE_END()
