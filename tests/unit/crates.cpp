// What the Rust crates interrupts, interrupt-mutex and interrupt-ref-cell (by mkroening) document,
// and what they list as caveats, which are guarantees here.
#include <boost/test/unit_test.hpp>

#include <signal.h>

#include <array>
#include <mutex>
#include <utility>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/ref_cell.hpp>

#include <tests/support/arrivals.hpp>
#include <tests/support/backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>

namespace {

using test::child_end;
using test::counter;
using test::in_child;

/// A list that a handler may push to: it never allocates.
class numbers {
 public:
  void push(int number) noexcept { items_[size_++ % items_.size()] = number; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] int back() const noexcept { return items_[(size_ - 1) % items_.size()]; }

 private:
  std::array<int, 16> items_{};
  std::size_t size_ = 0;
};

template <class B>
constinit sigsafe::mutex<numbers, std::mutex, B> shared_numbers;

template <class B>
constinit thread_local sigsafe::ref_cell<numbers, B> local_numbers;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(interrupts, test::clean_thread)

BOOST_AUTO_TEST_CASE_TEMPLATE(disable_gives_a_guard_whose_release_restores, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    const counter sigint{SIGINT};
    CHILD_REQUIRE(B::enabled());
    {
      const auto guard = sigsafe::disable<B>();
      CHILD_REQUIRE(!B::enabled());
      raise(SIGINT);
      CHILD_REQUIRE(sigint.runs() == 0);
    }
    CHILD_REQUIRE(B::enabled());
    CHILD_REQUIRE(sigint.runs() == 1);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(without_runs_a_function_disabled_and_nests, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    const int result = sigsafe::without<B>([] {
      CHILD_REQUIRE(!B::enabled());
      sigsafe::without<B>([] { CHILD_REQUIRE(!B::enabled()); });
      CHILD_REQUIRE(!B::enabled());
      return 42;
    });
    CHILD_REQUIRE(result == 42);
    CHILD_REQUIRE(B::enabled());
  });
  BOOST_TEST(test::holds(end));
}

// Their caveat: a guard that is dropped early enables interrupts although another one still lives.
BOOST_AUTO_TEST_CASE_TEMPLATE(locks_released_in_the_wrong_order_stay_disabled, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    const counter sigint{SIGINT};
    sigsafe::mutex<int, sigsafe::default_raw_lock, B> one{0};
    sigsafe::mutex<int, sigsafe::default_raw_lock, B> two{0};
    auto a = one.lock();
    auto b = two.lock();
    a.unlock();
    CHILD_REQUIRE(!B::enabled());
    raise(SIGINT);
    CHILD_REQUIRE(sigint.runs() == 0);
    b.unlock();
    CHILD_REQUIRE(sigint.runs() == 1);
    CHILD_REQUIRE(B::enabled());
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(interrupt_mutex, test::clean_thread)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_pushes_when_the_mutex_is_unlocked, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    const sigsafe::handler sigint{SIGINT, []() noexcept { shared_numbers<B>.lock()->push(1); }};
    {
      const auto v = shared_numbers<B>.lock();
      raise(SIGINT);
      CHILD_REQUIRE(v->size() == 0);
    }
    const auto v = shared_numbers<B>.lock();
    CHILD_REQUIRE(v->size() == 1);
    CHILD_REQUIRE(v->back() == 1);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_failed_try_lock_restores, B, test::hosted_backends) {
  const child_end end = in_child([] {
    sigsafe::mutex<int, sigsafe::default_raw_lock, B> shared{0};
    auto held = shared.lock();
    CHILD_REQUIRE(shared.is_locked());
    CHILD_REQUIRE(!shared.try_lock());
    held.unlock();
    CHILD_REQUIRE(B::enabled());
    CHILD_REQUIRE(!shared.is_locked());
    CHILD_REQUIRE(static_cast<bool>(shared.try_lock()));
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(interrupt_ref_cell, test::clean_thread)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_pushes_when_the_borrow_has_been_released, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    const sigsafe::handler sigint{
        SIGINT, []() noexcept { local_numbers<B>.with_borrow_mut([](numbers& v) { v.push(1); }); }};
    local_numbers<B>.with_borrow([](const numbers& v) {
      raise(SIGINT);
      CHILD_REQUIRE(v.size() == 0);
    });
    local_numbers<B>.with_borrow([](const numbers& v) { CHILD_REQUIRE(v.size() == 1); });
    CHILD_REQUIRE(local_numbers<B>.take().back() == 1);
    CHILD_REQUIRE(local_numbers<B>.replace(numbers{}).size() == 0);
    local_numbers<B>.set(numbers{});
  });
  BOOST_TEST(test::holds(end));
}

// Their caveat: shared references that are dropped in the wrong order enable prematurely.
BOOST_AUTO_TEST_CASE_TEMPLATE(references_dropped_in_the_wrong_order_stay_disabled, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    const counter sigint{SIGINT};
    sigsafe::ref_cell<int, B> cell{5};
    auto a = cell.borrow();
    auto b = cell.borrow();
    raise(SIGINT);
    { const auto ends_first = std::move(a); }
    CHILD_REQUIRE(!B::enabled());
    CHILD_REQUIRE(sigint.runs() == 0);
    { const auto ends_last = std::move(b); }
    CHILD_REQUIRE(sigint.runs() == 1);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_does_what_a_ref_cell_does, B, test::hosted_backends) {
  const child_end end = in_child([] {
    using cell_type = sigsafe::ref_cell<int, B>;
    cell_type c{5};
    CHILD_REQUIRE(c.replace(6) == 5);
    CHILD_REQUIRE(c == cell_type{6});
    CHILD_REQUIRE(c.replace_with([](int& old) { return old + 1; }) == 6);
    CHILD_REQUIRE(c == cell_type{7});
    cell_type d{8};
    c.swap(d);
    CHILD_REQUIRE(c == cell_type{8} && d == cell_type{7});
    CHILD_REQUIRE(c.take() == 8);
    CHILD_REQUIRE(c == cell_type{});
    ++c.get_mut();
    CHILD_REQUIRE(*c.as_ptr() == 1);
    CHILD_REQUIRE(d > c && c <= d && !(c >= d));
    CHILD_REQUIRE(cell_type{c} == c);
    CHILD_REQUIRE(std::move(c).into_inner() == 1);

    const auto first = d.borrow();
    const auto second = d.borrow();
    CHILD_REQUIRE(*first == 7 && *second == 7);
    CHILD_REQUIRE(d.try_borrow().has_value());
    CHILD_REQUIRE(!d.try_borrow_mut().has_value());
    CHILD_REQUIRE(*d.try_borrow_unguarded() == 7);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_refused_borrow_of_either_kind_panics, B, test::hosted_backends) {
  const child_end shared = in_child([] {
    sigsafe::ref_cell<int, B> c{5};
    const auto m = c.borrow_mut();
    const auto b = c.borrow();
  });
  BOOST_TEST(test::panics(shared, "already mutably borrowed"));
  const child_end exclusive = in_child([] {
    sigsafe::ref_cell<int, B> c{5};
    const auto m = c.borrow();
    const auto b = c.borrow_mut();
  });
  BOOST_TEST(test::panics(exclusive, "already borrowed"));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(references_map_filter_split_and_clone, B, test::hosted_backends) {
  const child_end end = in_child([] {
    sigsafe::ref_cell<std::pair<unsigned, char>, B> c{std::pair{5U, 'b'}};
    {
      const auto b1 = c.borrow();
      const auto b2 = b1.clone();
      const auto b3 = b2.clone().map([](const auto& t) -> const unsigned& { return t.first; });
      CHILD_REQUIRE(*b3 == 5);
    }
    {
      const auto b = c.borrow_mut().map([](auto& t) -> unsigned& { return t.first; });
      *b = 42;
    }
    {
      const auto b =
          c.borrow_mut().filter_map([](auto& t) { return t.first == 42 ? &t.second : nullptr; });
      CHILD_REQUIRE(b.has_value());
      **b = 'c';
    }
    {
      const auto [number, letter] = c.borrow_mut().map_split(
          [](auto& t) { return std::pair<unsigned&, char&>{t.first, t.second}; });
      CHILD_REQUIRE(*number == 42 && *letter == 'c');
      *letter = 'd';
    }
    CHILD_REQUIRE(c.borrow()->second == 'd');
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_SUITE_END()
