// Checked builds (SIGSAFE_CHECKED=1): misuse is reported with the places of both sides. In other
// builds the same objects keep nothing for it.
#include <boost/test/unit_test.hpp>

#include <signal.h>

#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>

#include <sigsafe/backend/none.hpp>
#include <sigsafe/checked.hpp>
#include <sigsafe/detail/hold.hpp>
#include <sigsafe/guard.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/ref_cell.hpp>
#include <sigsafe/subset_guard.hpp>

#include <tests/support/backends.hpp>
#include <tests/support/broken_backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>

namespace {

using sigsafe::futex_lock;
using test::child_end;
using test::in_child;

std::string place(unsigned line, const std::string& text = {}) {
  return __FILE__ + (":" + std::to_string(line)) + text;
}

#if SIGSAFE_CHECKED

using flat_mutex = sigsafe::mutex<int, futex_lock, test::flat_backend>;
constexpr const char* lost_effect = ": interrupts were enabled while this hold lived";

template <class F>
void on_another_thread(F function) {
  std::thread{function}.join();
}

#endif

}  // namespace

BOOST_FIXTURE_TEST_SUITE(checked, test::clean_thread)

#if SIGSAFE_CHECKED

BOOST_AUTO_TEST_CASE_TEMPLATE(a_guard_that_is_released_on_another_thread_panics, B,
                              test::hosted_backends) {
  const unsigned line = __LINE__ + 3;
  const child_end end = in_child([] {
    std::optional<sigsafe::basic_guard<B>> off;
    off.emplace(sigsafe::location::current());
    on_another_thread([&] { off.reset(); });
  });
  BOOST_TEST(
      test::panics(end, place(line, ": a guard that began here was released on another thread")));
}

BOOST_AUTO_TEST_CASE(a_subset_guard_that_is_released_on_another_thread_panics) {
  const unsigned line = __LINE__ + 3;
  const child_end end = in_child([] {
    std::optional<sigsafe::subset_guard> off;
    off.emplace(sigsafe::signal_set{SIGUSR1}, sigsafe::location::current());
    on_another_thread([&] { off.reset(); });
  });
  BOOST_TEST(
      test::panics(end, place(line, ": a guard that began here was released on another thread")));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_borrow_that_is_released_on_another_thread_panics, B,
                              test::hosted_backends) {
  constexpr const char* what = ": a borrow that began here was released on another thread";
  const unsigned line = __LINE__ + 4;
  sigsafe::ref_cell<int, B> cell{0};
  const child_end reader = in_child([&] {
    std::optional<sigsafe::ref<int, B>> borrowed;
    borrowed.emplace(cell.borrow());
    on_another_thread([&] { borrowed.reset(); });
  });
  BOOST_TEST(test::panics(reader, place(line, what)));
  const child_end writer = in_child([&] {
    std::optional<sigsafe::ref_mut<int, B>> borrowed;
    borrowed.emplace(cell.borrow_mut());
    on_another_thread([&] { borrowed.reset(); });
  });
  BOOST_TEST(test::panics(writer, place(line + 6, what)));
  const child_end part = in_child([&] {
    auto whole = cell.try_borrow();
    std::optional<sigsafe::ref<int, B>> copied{whole->clone()};
    std::optional moved{std::move(*copied)};
    on_another_thread([&] { moved.reset(); });
  });
  BOOST_TEST(test::panics(part, place(line + 12, what)));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_recursive_lock_panics_and_names_both_places, B,
                              test::hosted_backends) {
  const unsigned line = __LINE__ + 3;
  const child_end end = in_child([] {
    sigsafe::mutex<int, futex_lock, B> shared{0};
    const auto first = shared.lock();
    const auto second = shared.lock();
  });
  BOOST_TEST(test::panics(end, place(line + 1, ": recursive lock")));
  BOOST_TEST(test::panics(end, "; it was locked at " + place(line)));
}

BOOST_AUTO_TEST_CASE(a_recursive_lock_inside_with_lock_panics) {
  const child_end end = in_child([] {
    sigsafe::mutex<int> shared{0};
    shared.with_lock([&](int&) { shared.with_lock([](int&) {}); });
  });
  BOOST_TEST(test::panics(end, "recursive lock"));
}

BOOST_AUTO_TEST_CASE(a_lock_after_an_unlock_is_not_recursive) {
  const child_end end = in_child([] {
    sigsafe::mutex<int> shared{0};
    shared.lock().unlock();
    { const auto again = shared.lock(); }
    if (const auto tried = shared.try_lock()) CHILD_REQUIRE(!shared.try_lock());
    const auto last = shared.lock();
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(an_unlock_by_another_thread_panics_and_names_the_lock) {
  const unsigned line = __LINE__ + 3;
  const child_end end = in_child([] {
    sigsafe::mutex<int> shared{0};
    auto locked = shared.lock();
    on_another_thread([&] { locked.unlock(); });
  });
  BOOST_TEST(test::panics(end, "a mutex is unlocked by a thread that does not hold it"));
  BOOST_TEST(test::panics(end, "; it was last locked at " + place(line)));
}

BOOST_AUTO_TEST_CASE(an_unlock_without_a_lock_panics) {
  const child_end end = in_child([] {
    sigsafe::raw_mutex<> never_locked;
    const std::unique_lock adopted{never_locked, std::adopt_lock};
  });
  BOOST_TEST(test::panics(end, "a mutex is unlocked by a thread that does not hold it\n"));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_conflicting_borrow_names_both_places, B, test::hosted_backends) {
  const unsigned line = __LINE__ + 3;
  const child_end end = in_child([] {
    sigsafe::ref_cell<int, B> cell{0};
    const auto writer = cell.borrow_mut();
    const auto reader = cell.borrow();
  });
  BOOST_TEST(test::panics(end, place(line + 1, ": borrow of a cell")));
  BOOST_TEST(test::panics(end, "; the conflicting borrow was taken at " + place(line)));
}

BOOST_AUTO_TEST_CASE(the_place_of_the_first_reader_is_kept) {
  const unsigned line = __LINE__ + 3;
  const child_end end = in_child([] {
    sigsafe::ref_cell<int> cell{0};
    const auto first = cell.borrow();
    const auto second = cell.borrow();
    const auto writer = cell.borrow_mut();
  });
  BOOST_TEST(test::panics(end, place(line + 2, ": mutable borrow")));
  BOOST_TEST(test::panics(end, "; the conflicting borrow was taken at " + place(line)));
}

// On a backend that keeps the saved state in the hold. The first release enables interrupts, the
// second one finds that.
BOOST_AUTO_TEST_CASE(locks_that_are_released_out_of_order_panic_and_name_both_places) {
  const unsigned line = __LINE__ + 4;
  const child_end end = in_child([] {
    flat_mutex outer{0};
    flat_mutex inner{0};
    auto first = outer.lock();
    auto second = inner.lock();
    first.unlock();
    second.unlock();
  });
  BOOST_TEST(test::panics(end, place(line + 3, lost_effect)));
  BOOST_TEST(test::panics(end, "; it began at " + place(line + 1)));
}

BOOST_AUTO_TEST_CASE(so_do_raw_locks) {
  const unsigned line = __LINE__ + 4;
  const child_end end = in_child([] {
    sigsafe::raw_mutex<futex_lock, test::flat_backend> outer;
    sigsafe::raw_mutex<futex_lock, test::flat_backend> inner;
    outer.lock();
    inner.lock();
    outer.unlock();
    inner.unlock();
  });
  BOOST_TEST(test::panics(end, place(line + 3, lost_effect)));
  BOOST_TEST(test::panics(end, "; it began at " + place(line + 1)));
}

BOOST_AUTO_TEST_CASE(a_release_by_a_destructor_has_no_place_of_its_own) {
  const unsigned line = __LINE__ + 4;
  const child_end end = in_child([] {
    flat_mutex outer{0};
    flat_mutex inner{0};
    auto first = outer.lock();
    auto second = inner.lock();
    first.unlock();
  });
  BOOST_TEST(test::panics(end, "sigsafe: interrupts were enabled while this hold lived"));
  BOOST_TEST(test::panics(end, "; it began at " + place(line + 1)));
}

BOOST_AUTO_TEST_CASE(borrows_that_are_released_out_of_order_panic) {
  const unsigned line = __LINE__ + 3;
  const child_end end = in_child([] {
    sigsafe::ref_cell<int, test::flat_backend> cell{0};
    std::optional first{cell.borrow()};
    const auto second = first->clone();
    first.reset();
  });
  BOOST_TEST(test::panics(end, "interrupts were enabled while this hold lived"));
  BOOST_TEST(test::panics(end, "; it began at " + place(line + 1)));
}

BOOST_AUTO_TEST_CASE(a_guard_that_is_released_after_an_outer_one_panics) {
  const unsigned line = __LINE__ + 3;
  const child_end end = in_child([] {
    std::optional<sigsafe::basic_guard<test::flat_backend>> outer;
    outer.emplace(sigsafe::location::current());
    const sigsafe::basic_guard<test::flat_backend> inner;
    outer.reset();
  });
  BOOST_TEST(test::panics(end, "interrupts were enabled while this hold lived"));
  BOOST_TEST(test::panics(end, "; it began at " + place(line + 1)));
}

BOOST_AUTO_TEST_CASE(the_reverse_order_does_not_panic_nor_does_a_backend_that_disables_nothing) {
  const child_end end = in_child([] {
    flat_mutex outer{0};
    flat_mutex inner{0};
    sigsafe::ref_cell<int, test::flat_backend> cell{0};
    for (int i = 0; i < 2; ++i) {
      const sigsafe::basic_guard<test::flat_backend> off;
      const auto first = outer.lock();
      auto second = inner.lock();
      CHILD_REQUIRE(!outer.try_lock());
      const auto reader = cell.borrow();
      const auto again = reader.clone();
      CHILD_REQUIRE(!cell.try_borrow_mut());
    }
    sigsafe::mutex<int, futex_lock, sigsafe::backend::none> one{0};
    sigsafe::mutex<int, futex_lock, sigsafe::backend::none> two{0};
    auto first = one.lock();
    auto second = two.lock();
    first.unlock();
    second.unlock();
    CHILD_REQUIRE(test::flat_backend::enabled());
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(counting_backends_release_in_any_order, B, test::hosted_backends) {
  const child_end end = in_child([] {
    sigsafe::mutex<int, futex_lock, B> outer{0};
    sigsafe::mutex<int, futex_lock, B> inner{0};
    auto first = outer.lock();
    auto second = inner.lock();
    first.unlock();
    second.unlock();
    CHILD_REQUIRE(B::enabled());
  });
  BOOST_TEST(test::holds(end));
}

#else

BOOST_AUTO_TEST_CASE(a_hold_on_a_flat_backend_is_what_it_puts_back) {
  BOOST_TEST(sizeof(sigsafe::basic_guard<test::flat_backend>) ==
             sizeof(test::flat_backend::saved_state));
  BOOST_TEST(sizeof(sigsafe::detail::hold<test::flat_backend>) ==
             sizeof(test::flat_backend::saved_state));
}

BOOST_AUTO_TEST_CASE(this_build_is_not_checked_and_keeps_nothing_for_it) {
  BOOST_TEST_MESSAGE("SIGSAFE_CHECKED is 0: the checks themselves are tested in a checked build");
  BOOST_TEST(sizeof(sigsafe::guard) == 1U);
  BOOST_TEST(sizeof(sigsafe::raw_mutex<futex_lock>) == sizeof(futex_lock));
  BOOST_TEST(sizeof(sigsafe::ref_cell<int>) == 2 * sizeof(int));
  BOOST_TEST((std::is_same_v<sigsafe::watched<std::mutex>, std::mutex>));
  BOOST_TEST(sizeof(sigsafe::mutex<int, sigsafe::watched<futex_lock>>) == 2 * sizeof(int));
}

BOOST_AUTO_TEST_CASE(a_conflicting_borrow_names_one_place) {
  const unsigned line = __LINE__ + 4;
  const child_end end = in_child([] {
    sigsafe::ref_cell<int> cell{0};
    const auto writer = cell.borrow_mut();
    const auto reader = cell.borrow();
  });
  BOOST_TEST(
      test::panics(end, place(line, ": borrow of a cell that is already mutably borrowed\n")));
}

#endif

BOOST_AUTO_TEST_SUITE_END()
