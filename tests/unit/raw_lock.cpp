// raw_lock.hpp: the concept, spinlock, futex_lock.
#include <boost/test/unit_test.hpp>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <mutex>
#include <new>
#include <shared_mutex>
#include <thread>
#include <tuple>
#include <type_traits>
#include <vector>

#include <sigsafe/detail/futex.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/raw_lock.hpp>

#include <tests/support/holds.hpp>
#include <tests/support/sleeper.hpp>
#include <tests/support/sleeping.hpp>
#include <tests/support/syscalls.hpp>

namespace {

using locks = std::tuple<sigsafe::spinlock, sigsafe::futex_lock>;

/// Lets everybody in.
struct no_lock {
  void lock() noexcept {}
  bool try_lock() noexcept { return true; }
  void unlock() noexcept {}
};

struct tries_in_vain {
  void lock();
  void try_lock();
  void unlock();
};
struct never_unlocks {
  void lock();
  bool try_lock();
};

constinit sigsafe::spinlock static_spinlock;
constinit sigsafe::futex_lock static_futex_lock;

/// A lock in a page of its own, which can be made read-only.
struct released_in_a_fault {
  static constexpr std::size_t page = 65536;  // the largest page of any processor
  static inline auto& lock =
      *new (mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
          sigsafe::futex_lock;
  static void allow(int access) { mprotect(&lock, page, access); }
};

template <class L>
bool another_thread_cannot_take_it() {
  L lock;
  lock.lock();
  bool taken = false;
  std::thread{[&] { taken = lock.try_lock(); }}.join();
  lock.unlock();
  return !taken;
}

/// Gives the processor away inside, so that another thread comes in if it can.
template <class L>
bool one_at_a_time() {
  L lock;
  std::atomic<int> inside{0};
  std::atomic<bool> together{false};
  std::latch all_there{3};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      all_there.arrive_and_wait();
      for (int round = 0; round < 200; ++round) {
        lock.lock();
        if (inside.fetch_add(1) != 0) together = true;
        sched_yield();
        inside.fetch_sub(1);
        lock.unlock();
      }
    });
  for (auto& thread : threads) thread.join();
  return !together;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(futex)

BOOST_AUTO_TEST_CASE(a_wait_that_fails_keeps_errno) {
  const std::uint32_t word = 1;
  errno = ERANGE;
  sigsafe::detail::futex_wait(&word, 2);  // EAGAIN: it has another value
  BOOST_TEST(errno == ERANGE);
}

BOOST_AUTO_TEST_CASE(a_wake_that_fails_keeps_errno) {
  std::array<std::uint32_t, 2> words{};
  const auto* const odd = reinterpret_cast<const std::uint32_t*>(
      reinterpret_cast<const char*>(words.data()) + 1);  // EINVAL: not aligned
  errno = ERANGE;
  sigsafe::detail::futex_wake(odd);
  BOOST_TEST(errno == ERANGE);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(raw_lock)

BOOST_AUTO_TEST_CASE(it_is_what_the_standard_calls_lockable) {
  BOOST_TEST(sigsafe::raw_lock<sigsafe::spinlock>);
  BOOST_TEST(sigsafe::raw_lock<sigsafe::futex_lock>);
  BOOST_TEST(sigsafe::raw_lock<std::mutex>);
  BOOST_TEST(sigsafe::raw_lock<std::timed_mutex>);
  BOOST_TEST(sigsafe::raw_lock<std::shared_mutex>);
  BOOST_TEST(sigsafe::raw_lock<std::unique_lock<std::mutex>>);
  BOOST_TEST(sigsafe::raw_lock<sigsafe::raw_mutex<>>);
  BOOST_TEST(sigsafe::raw_lock<no_lock>);
}

BOOST_AUTO_TEST_CASE(other_types_are_none) {
  BOOST_TEST(!sigsafe::raw_lock<int>);
  BOOST_TEST(!sigsafe::raw_lock<std::lock_guard<std::mutex>>);
  BOOST_TEST(!sigsafe::raw_lock<tries_in_vain>);
  BOOST_TEST(!sigsafe::raw_lock<never_unlocks>);
}

BOOST_AUTO_TEST_CASE(the_default_is_the_lock_that_sleeps) {
  BOOST_TEST((std::is_same_v<sigsafe::default_raw_lock, sigsafe::futex_lock>));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(locking_and_unlocking_show, L, locks) {
  L lock;
  BOOST_TEST(!lock.is_locked());
  lock.lock();
  const bool locked = lock.is_locked();
  lock.unlock();
  BOOST_TEST(locked);
  BOOST_TEST(!lock.is_locked());
  const bool taken = lock.try_lock();
  if (taken) lock.unlock();
  BOOST_TEST(taken);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(another_thread_cannot_take_what_is_held, L, locks) {
  BOOST_TEST(another_thread_cannot_take_it<L>());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(one_thread_is_inside_at_a_time, L, locks) {
  BOOST_TEST(one_at_a_time<L>());
}

BOOST_AUTO_TEST_CASE(a_lock_that_lets_everybody_in_is_caught) {
  BOOST_TEST(!another_thread_cannot_take_it<no_lock>());
  BOOST_TEST(!one_at_a_time<no_lock>());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_waiting_thread_comes_in_after_the_unlock, L, locks) {
  L lock;
  std::atomic<bool> inside{false};
  lock.lock();
  std::thread waiting{[&] {
    lock.lock();
    inside = true;
    lock.unlock();
  }};
  test::let_others_run();
  const bool early = inside;
  lock.unlock();
  waiting.join();
  BOOST_TEST(!early);
  BOOST_TEST(inside);
}

BOOST_AUTO_TEST_CASE(both_can_be_waited_for_and_one_of_them_for_a_time) {
  BOOST_TEST(sigsafe::waitable_lock<sigsafe::spinlock>);
  BOOST_TEST(sigsafe::waitable_lock<sigsafe::futex_lock>);
  BOOST_TEST(!sigsafe::waitable_lock<std::mutex>);
  BOOST_TEST(!sigsafe::timed_waitable_lock<sigsafe::spinlock>);
  BOOST_TEST(sigsafe::timed_waitable_lock<sigsafe::futex_lock>);
  BOOST_TEST(!sigsafe::shared_waitable_lock<std::shared_mutex>);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(whoever_waits_for_a_free_lock_returns_and_does_not_take_it, L,
                              locks) {
  L lock;
  lock.wait();
  BOOST_TEST(!lock.is_locked());
}

BOOST_AUTO_TEST_CASE(a_release_wakes_all_who_wait) {
  const test::child_end end = test::in_child(
      [] {
        sigsafe::futex_lock lock;
        lock.lock();
        const auto waits = [&](test::sleeper& self) {
          self.begins();
          lock.wait();
        };
        std::array<test::sleeper, 3> waiting{test::sleeper{waits}, test::sleeper{waits},
                                             test::sleeper{waits}};
        for (auto& each : waiting) each.go_to_sleep();
        lock.unlock();
      },
      4);
  BOOST_TEST(test::holds(end));
}

// Else the lock would look as if somebody held it, and nobody would release it.
BOOST_AUTO_TEST_CASE(a_release_between_the_look_at_the_lock_and_the_mark_is_not_overwritten) {
  const test::child_end end = test::in_child(
      [] {
        // The waiter finds the lock held, and its mark is a fault in which the holder releases it.
        released_in_a_fault::lock.lock();
        released_in_a_fault::allow(PROT_READ);
        struct sigaction action{};
        action.sa_handler = [](int) {
          released_in_a_fault::allow(PROT_READ | PROT_WRITE);
          released_in_a_fault::lock.unlock();
        };
        sigaction(SIGSEGV, &action, nullptr);
        released_in_a_fault::lock.wait();
        CHILD_REQUIRE(!released_in_a_fault::lock.is_locked());
      },
      4);
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_is_constructed_at_compile_time_and_neither_copies_nor_moves, L,
                              locks) {
  BOOST_TEST((std::is_nothrow_default_constructible_v<L>));
  BOOST_TEST((!std::is_copy_constructible_v<L> && !std::is_move_constructible_v<L>));
  BOOST_TEST((!std::is_copy_assignable_v<L> && !std::is_move_assignable_v<L>));
  BOOST_TEST(!static_spinlock.is_locked());
  BOOST_TEST(!static_futex_lock.is_locked());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(nothing_throws, L, locks) {
  BOOST_TEST(noexcept(std::declval<L&>().lock()));
  BOOST_TEST(noexcept(std::declval<L&>().try_lock()));
  BOOST_TEST(noexcept(std::declval<L&>().unlock()));
}

BOOST_AUTO_TEST_CASE(they_have_the_documented_sizes) {
  BOOST_TEST(sizeof(sigsafe::spinlock) == 4U);
  BOOST_TEST(sizeof(sigsafe::futex_lock) == 4U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(without_contention_there_is_no_system_call, L, locks) {
  L lock;
  BOOST_TEST(test::count_system_calls([&] {
               lock.lock();
               lock.unlock();
               if (lock.try_lock()) lock.unlock();
             }) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
