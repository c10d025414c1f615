// Locks that somebody else holds: whoever waits for one still runs its handlers.
#include <boost/test/unit_test.hpp>

#include <sched.h>
#include <signal.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <shared_mutex>
#include <tuple>
#include <utility>

#include <sigsafe/detail/futex.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/mutex.hpp>

#include <tests/support/arrivals.hpp>
#include <tests/support/backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/sleeper.hpp>

namespace {

using sigsafe::futex_lock;
using sigsafe::spinlock;
using test::child_end;
using test::counter;
using test::in_child;
using test::sleeper;

constexpr int until_hung = 4;  // seconds

template <class Mutex>
auto locked(Mutex& mutex) {
  if constexpr (requires { mutex.get_mut(); })
    return mutex.lock();
  else
    return std::unique_lock{mutex};
}

/// The holder waits until three handlers have run on the thread that waits for it.
template <class Mutex>
child_end the_holder_waits_for_a_handler_of_the_waiter() {
  return in_child(
      [] {
        test::gate handled;
        const sigsafe::handler usr1{SIGUSR1, [&]() noexcept { handled.open(); }};
        Mutex shared;
        sleeper waiter{[&](sleeper& self) {
          self.begins();
          const auto mine = locked(shared);
        }};
        const auto held = locked(shared);
        waiter.go_to_sleep();
        for (int i = 0; i < 3; ++i) {
          waiter.interrupt(SIGUSR1);
          handled.pass();
        }
      },
      until_hung);
}

/// Says that somebody waits for it.
template <class L>
class telling : public L {
 public:
  void wait() noexcept {
    waits = true;
    L::wait();
  }
  std::atomic<bool> waits{false};
};

/// A signal that came while the thread waited for the lock is handled before it has it, or only
/// when it has released it.
template <class B, class Lock>
child_end handlers_run_while_it_waits(bool expected, Lock lock) {
  return in_child(
      [=] {
        const counter usr1{SIGUSR1};
        int runs_before_it_came_in = -1;
        sigsafe::raw_mutex<std::mutex, B> plain;
        sigsafe::raw_mutex<futex_lock, B> waitable;
        {
          sleeper waiter{[&](sleeper& self) {
            self.begins();
            lock(plain, waitable, [&] { runs_before_it_came_in = usr1.runs(); });
          }};
          const std::scoped_lock held{plain, waitable};
          waiter.go_to_sleep();
          waiter.interrupt(SIGUSR1);
        }
        CHILD_REQUIRE(usr1.runs() == 1);
        CHILD_REQUIRE(runs_before_it_came_in == (expected ? 1 : 0));
      },
      until_hung);
}

/// Whoever has waited for it is interrupted before it can take it, if it asks for that.
struct interrupting : futex_lock {
  void wait() noexcept {
    futex_lock::wait();
    if (std::exchange(asked_for, false)) raise(SIGUSR1);
  }
  static inline thread_local bool asked_for = false;
};

/// A lock for one writer or many readers, both of which can be waited for.
class reader_writer_lock {
 public:
  void lock() noexcept {
    while (!try_lock()) wait();
  }
  bool try_lock() noexcept {
    std::uint32_t expected = 0;
    return word_.compare_exchange_strong(expected, writer);
  }
  void unlock() noexcept { release(writer); }
  void wait() noexcept {
    while (const std::uint32_t seen = word_) wait_while(seen);
  }
  void lock_shared() noexcept {
    while (!try_lock_shared()) wait_shared();
  }
  bool try_lock_shared() noexcept {
    std::uint32_t seen = word_;
    while (seen != writer)
      if (word_.compare_exchange_weak(seen, seen + 1)) return true;
    return false;
  }
  void unlock_shared() noexcept { release(1); }
  void wait_shared() noexcept {
    while (word_ == writer) wait_while(writer);
  }

 private:
  static constexpr std::uint32_t writer = ~0U;

  std::uint32_t* word() noexcept { return reinterpret_cast<std::uint32_t*>(&word_); }
  void wait_while(std::uint32_t value) noexcept { sigsafe::detail::futex_wait(word(), value); }
  void release(std::uint32_t count) noexcept {
    word_ -= count;
    sigsafe::detail::futex_wake(word());
  }

  std::atomic<std::uint32_t> word_{0};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(contention, test::clean_thread)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_holder_may_wait_for_a_handler_of_who_waits_for_it, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(
      the_holder_waits_for_a_handler_of_the_waiter<sigsafe::mutex<int, futex_lock, B>>()));
  BOOST_TEST(test::holds(
      the_holder_waits_for_a_handler_of_the_waiter<sigsafe::raw_mutex<futex_lock, B>>()));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(so_it_may_with_a_lock_that_spins, B, test::hosted_backends) {
  const child_end end = in_child(
      [] {
        test::gate handled;
        const sigsafe::handler usr1{SIGUSR1, [&]() noexcept { handled.open(); }};
        sigsafe::raw_mutex<telling<spinlock>, B> shared;
        sleeper waiter{[&](sleeper& self) {
          self.begins();
          const std::lock_guard mine{shared};
        }};
        const std::lock_guard held{shared};
        waiter.go();
        while (!shared.underlying().waits) sched_yield();
        waiter.interrupt(SIGUSR1);
        handled.pass();
      },
      until_hung);
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(handlers_run_before_it_comes_in, B, test::hosted_backends) {
  BOOST_TEST(
      test::holds(handlers_run_while_it_waits<B>(true, [](auto&, auto& waitable, auto inside) {
        const std::lock_guard mine{waitable};
        inside();
      })));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(under_an_outer_hold_they_do_not, B, test::hosted_backends) {
  BOOST_TEST(
      test::holds(handlers_run_while_it_waits<B>(false, [](auto&, auto& waitable, auto inside) {
        const sigsafe::basic_guard<B> outer;
        const std::lock_guard mine{waitable};
        inside();
      })));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(nor_while_it_waits_for_a_lock_that_has_no_wait, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(handlers_run_while_it_waits<B>(false, [](auto& plain, auto&, auto inside) {
    const std::lock_guard mine{plain};
    inside();
  })));
}

// The first of two threads that sleep wakes up, and a handler interrupts it that waits for what the
// second one holds. The locks are always taken in the same order.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_may_keep_the_one_that_woke_from_the_free_lock, B,
                              test::hosted_backends) {
  const child_end end = in_child(
      [] {
        sigsafe::raw_mutex<futex_lock, B> outer;
        sigsafe::raw_mutex<interrupting, B> inner;
        const sigsafe::handler usr1{SIGUSR1, [&]() noexcept { const std::lock_guard mine{outer}; }};
        sleeper first{[&](sleeper& self) {
          interrupting::asked_for = true;
          self.begins();
          const std::lock_guard mine{inner};
        }};
        sleeper second{[&](sleeper& self) {
          const std::lock_guard outside{outer};
          self.begins();
          const std::lock_guard mine{inner};
        }};
        const std::lock_guard held{inner};
        first.go_to_sleep();
        second.go_to_sleep();
      },
      until_hung);
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_runs_in_whoever_waits_to_read, B, test::hosted_backends) {
  using mutex = sigsafe::raw_mutex<reader_writer_lock, B>;
  BOOST_TEST(test::holds(the_holder_waits_for_a_handler_of_the_waiter<mutex>()));
  const child_end end = in_child(
      [] {
        test::gate handled;
        const sigsafe::handler usr1{SIGUSR1, [&]() noexcept { handled.open(); }};
        mutex shared;
        sleeper reader{[&](sleeper& self) {
          self.begins();
          const std::shared_lock mine{shared};
          CHILD_REQUIRE(!B::enabled());
        }};
        const std::lock_guard held{shared};
        reader.go_to_sleep();
        reader.interrupt(SIGUSR1);
        handled.pass();
      },
      until_hung);
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_SUITE_END()
