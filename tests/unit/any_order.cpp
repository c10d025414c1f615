// Guards, locks and borrows, eager and lazy, that begin and end in every order: interrupts come
// back when the last one ends, and not earlier.
#include <boost/test/unit_test.hpp>

#include <signal.h>

#include <algorithm>
#include <array>
#include <coroutine>
#include <optional>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/ref_cell.hpp>

#include <tests/support/arrivals.hpp>
#include <tests/support/broken_backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>

namespace {

namespace backend = sigsafe::backend;
using sigsafe::signal_set;
using test::child_end;
using test::in_child;

/// A lock and a borrow of each of two backends, which begin and end by their numbers.
template <class A, class B>
class four_holds {
 public:
  void begin(int which) {
    switch (which) {
      case 0: lock_a_.emplace(mutex_a_.lock()); break;
      case 1: lock_b_.emplace(mutex_b_.lock()); break;
      case 2: ref_a_.emplace(cell_a_.borrow_mut()); break;
      default: ref_b_.emplace(cell_b_.borrow()); break;
    }
  }
  void end(int which) {
    switch (which) {
      case 0: lock_a_.reset(); break;
      case 1: lock_b_.reset(); break;
      case 2: ref_a_.reset(); break;
      default: ref_b_.reset(); break;
    }
  }

 private:
  sigsafe::mutex<int, sigsafe::default_raw_lock, A> mutex_a_{0};
  sigsafe::mutex<int, sigsafe::default_raw_lock, B> mutex_b_{0};
  sigsafe::ref_cell<int, A> cell_a_{0};
  sigsafe::ref_cell<int, B> cell_b_{0};
  std::optional<sigsafe::mutex_guard<int, sigsafe::default_raw_lock, A>> lock_a_;
  std::optional<sigsafe::mutex_guard<int, sigsafe::default_raw_lock, B>> lock_b_;
  std::optional<sigsafe::ref_mut<int, A>> ref_a_;
  std::optional<sigsafe::ref<int, B>> ref_b_;
};

/// Of the first `size` holds: every order of taking them with every order of release. A signal is
/// raised before the first end and after each but the last.
template <class A, class B>
child_end interrupts_come_back_with_the_last_end(int size) {
  return in_child([=] {
    const auto next = [=](std::array<int, 4>& order) {
      return std::next_permutation(order.begin(), order.begin() + size);
    };
    const signal_set before = signal_set::blocked();
    const test::counter arrived{SIGRTMIN};
    std::array begins{0, 1, 2, 3};
    do {
      std::array ends{0, 1, 2, 3};
      do {
        four_holds<A, B> holds;
        const int runs = arrived.runs();
        for (int i = 0; i < size; ++i) holds.begin(begins[static_cast<std::size_t>(i)]);
        for (int i = 0; i < size; ++i) {
          raise(SIGRTMIN);
          CHILD_REQUIRE(arrived.runs() == runs);
          holds.end(ends[static_cast<std::size_t>(i)]);
        }
        CHILD_REQUIRE(arrived.runs() == runs + size);
        CHILD_REQUIRE(signal_set::blocked() == before);
      } while (next(ends));
    } while (next(begins));
  });
}

/// Three guards, and a lock: every order of beginning them with every order of release.
template <class A, class B>
child_end guards_enable_with_the_last_release() {
  return in_child([] {
    const signal_set before = signal_set::blocked();
    const test::counter arrived{SIGRTMIN};
    sigsafe::mutex<int, sigsafe::default_raw_lock, B> mutex{0};
    std::array begins{0, 1, 2, 3};
    do {
      std::array ends{0, 1, 2, 3};
      do {
        std::optional<sigsafe::basic_guard<A>> a[2];
        std::optional<sigsafe::basic_guard<B>> b;
        std::optional<sigsafe::mutex_guard<int, sigsafe::default_raw_lock, B>> locked;
        const int runs = arrived.runs();
        for (const int which : begins) {
          if (which < 2)
            a[which].emplace();
          else if (which == 2)
            b.emplace();
          else
            locked.emplace(mutex.lock());
        }
        int left = 4;
        for (const int which : ends) {
          raise(SIGRTMIN);
          CHILD_REQUIRE(arrived.runs() == runs);
          if (which < 2)
            a[which].reset();
          else if (which == 2)
            b.reset();
          else
            locked.reset();
          --left;
          CHILD_REQUIRE(A::enabled() == (left == 0) && B::enabled() == (left == 0));
        }
        CHILD_REQUIRE(arrived.runs() == runs + 4);
        CHILD_REQUIRE(signal_set::blocked() == before);
      } while (std::next_permutation(ends.begin(), ends.end()));
    } while (std::next_permutation(begins.begin(), begins.end()));
  });
}

/// Two coroutines of one thread, each with a guard of its own across a suspension.
struct task {
  struct promise_type {
    task get_return_object() noexcept {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { CHILD_REQUIRE(false); }
  };
  std::coroutine_handle<promise_type> handle;
};

template <class B>
task holds_across_a_suspension() {
  const sigsafe::basic_guard<B> off;
  co_await std::suspend_always{};
}

template <class A, class B>
child_end coroutines_enable_with_the_last_release() {
  return in_child([] {
    const signal_set before = signal_set::blocked();
    const test::counter arrived{SIGRTMIN};
    const task first = holds_across_a_suspension<A>();
    const task second = holds_across_a_suspension<B>();
    raise(SIGRTMIN);
    first.handle.resume();
    CHILD_REQUIRE(arrived.runs() == 0);
    raise(SIGRTMIN);
    CHILD_REQUIRE(arrived.runs() == 0);
    second.handle.resume();
    CHILD_REQUIRE(arrived.runs() == 2);
    raise(SIGRTMIN);
    CHILD_REQUIRE(arrived.runs() == 3);
    CHILD_REQUIRE(signal_set::blocked() == before);
    first.handle.destroy();
    second.handle.destroy();
  });
}

/// The guard that a function keeps for its caller, and one that it takes over: no reverse order.
template <class A, class B>
child_end hand_over_hand() {
  return in_child([] {
    const test::counter arrived{SIGRTMIN};
    sigsafe::mutex<int, sigsafe::default_raw_lock, A> even{0};
    sigsafe::mutex<int, sigsafe::default_raw_lock, B> odd{0};
    std::optional held_even{even.lock()};
    for (int i = 0; i < 10; ++i) {
      std::optional held_odd{odd.lock()};
      held_even.reset();
      raise(SIGRTMIN);
      CHILD_REQUIRE(arrived.runs() == 0);
      held_even.emplace(even.lock());
      held_odd.reset();
      CHILD_REQUIRE(arrived.runs() == 0);
    }
    held_even.reset();
    CHILD_REQUIRE(arrived.runs() == 10);
  });
}

using backend::lazy;
using backend::posix;
using test::flat_backend;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(any_order, test::clean_thread)

BOOST_AUTO_TEST_CASE(eager_locks_and_borrows_enable_with_the_last_release) {
  BOOST_TEST(test::holds(interrupts_come_back_with_the_last_end<posix, posix>(4)));
}

BOOST_AUTO_TEST_CASE(lazy_locks_and_borrows_enable_with_the_last_release) {
  BOOST_TEST(test::holds(interrupts_come_back_with_the_last_end<lazy, lazy>(4)));
}

BOOST_AUTO_TEST_CASE(mixed_locks_and_borrows_enable_with_the_last_release) {
  BOOST_TEST(test::holds(interrupts_come_back_with_the_last_end<posix, lazy>(4)));
}

BOOST_AUTO_TEST_CASE(two_locks_enable_with_the_last_release) {
  BOOST_TEST(test::holds(interrupts_come_back_with_the_last_end<posix, posix>(2)));
  BOOST_TEST(test::holds(interrupts_come_back_with_the_last_end<posix, lazy>(2)));
  BOOST_TEST(test::holds(interrupts_come_back_with_the_last_end<lazy, posix>(2)));
  BOOST_TEST(test::holds(interrupts_come_back_with_the_last_end<lazy, lazy>(2)));
}

BOOST_AUTO_TEST_CASE(guards_enable_with_the_last_release_in_every_order) {
  BOOST_TEST(test::holds(guards_enable_with_the_last_release<posix, posix>()));
  BOOST_TEST(test::holds(guards_enable_with_the_last_release<lazy, lazy>()));
  BOOST_TEST(test::holds(guards_enable_with_the_last_release<posix, lazy>()));
  BOOST_TEST(test::holds(guards_enable_with_the_last_release<lazy, posix>()));
}

BOOST_AUTO_TEST_CASE(guards_of_two_coroutines_enable_with_the_last_release) {
  BOOST_TEST(test::holds(coroutines_enable_with_the_last_release<posix, posix>()));
  BOOST_TEST(test::holds(coroutines_enable_with_the_last_release<lazy, lazy>()));
  BOOST_TEST(test::holds(coroutines_enable_with_the_last_release<lazy, posix>()));
}

BOOST_AUTO_TEST_CASE(guards_on_a_backend_that_puts_the_old_mask_back_are_caught) {
  BOOST_TEST(test::is_caught(guards_enable_with_the_last_release<flat_backend, flat_backend>()));
}

BOOST_AUTO_TEST_CASE(a_backend_that_puts_the_old_mask_back_is_caught) {
  // With one hold there is only one order, and it does no harm.
  BOOST_TEST(test::holds(interrupts_come_back_with_the_last_end<flat_backend, flat_backend>(1)));
  const child_end two = interrupts_come_back_with_the_last_end<flat_backend, flat_backend>(2);
  BOOST_TEST(test::is_caught(two));
}

BOOST_AUTO_TEST_CASE(a_chain_of_locks_hand_over_hand_stays_disabled) {
  BOOST_TEST(test::holds(hand_over_hand<posix, posix>()));
  BOOST_TEST(test::holds(hand_over_hand<lazy, lazy>()));
  BOOST_TEST(test::holds(hand_over_hand<posix, lazy>()));
}

BOOST_AUTO_TEST_CASE(a_chain_on_a_backend_that_puts_the_old_mask_back_is_caught) {
  BOOST_TEST(test::is_caught(hand_over_hand<flat_backend, flat_backend>()));
}

BOOST_AUTO_TEST_SUITE_END()
