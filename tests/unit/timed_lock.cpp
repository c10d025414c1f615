// Waiting for a lock for a time: futex_lock, and raw_mutex and mutex around it.
#include <boost/test/unit_test.hpp>

#include <signal.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <mutex>
#include <ratio>

#include <sigsafe/detail/deadline.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/raw_lock.hpp>

#include <tests/support/arrivals.hpp>
#include <tests/support/backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/sleeper.hpp>
#include <tests/support/syscalls.hpp>

namespace {

using namespace std::chrono_literals;
using sigsafe::futex_lock;
using sigsafe::detail::longest_time;
using sigsafe::detail::to_nanoseconds;
using std::chrono::duration;
using std::chrono::steady_clock;
using std::chrono::system_clock;
using test::in_child;
using test::sleeper;

constexpr int until_hung = 4;  // seconds

/// Calls f with every time that is up, or that has always been.
template <class F>
void for_times_that_are_up(F f) {
  f(0ns), f(-1ns), f(-1h);
  f(std::chrono::nanoseconds::min()), f(std::chrono::hours::min());
  f(duration<double>{-1e300}), f(duration<float, std::atto>{-1.0F});
  f(duration<double>{std::numeric_limits<double>::quiet_NaN()});
  f(duration<std::int64_t, std::exa>{-1});
  f(steady_clock::now()), f(system_clock::now());
  f(steady_clock::time_point::min()), f(system_clock::time_point::min());
  f(std::chrono::time_point<system_clock, std::chrono::hours>::min());
}

/// Calls f with times after which nobody is there any more.
template <class F>
void for_times_that_never_come(F f) {
  f(std::chrono::nanoseconds::max()), f(std::chrono::hours::max());
  f(duration<double>{1e300}), f(duration<float>{std::numeric_limits<float>::infinity()});
  f(duration<std::uint64_t>{std::numeric_limits<std::uint64_t>::max()});
  f(duration<std::int64_t, std::exa>{1});
  f(steady_clock::time_point::max()), f(system_clock::time_point::max());
  f(std::chrono::time_point<system_clock, std::chrono::hours>::max());
  f(std::chrono::time_point<system_clock, duration<double>>{duration<double>{1e300}});
}

/// Does what the standard's locks do with a duration or a time point.
template <class L, class Time>
auto try_for(L& lock, Time time) {
  if constexpr (sigsafe::detail::duration_like<Time>)
    return lock.try_lock_for(time);
  else
    return lock.try_lock_until(time);
}

/// Stands still until it has been asked often.
struct stopped_clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<stopped_clock>;
  static inline int asked = 0;
  static time_point now() noexcept { return time_point{++asked < 5 ? 0ns : 1h}; }
};

/// What is no std::chrono::duration, but has its shape.
struct milliseconds {
  struct period {
    static constexpr int num = 1, den = 1000;
  };
  [[nodiscard]] int count() const noexcept { return number; }
  int number;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(timed_lock, test::clean_thread)

BOOST_AUTO_TEST_CASE(a_duration_is_rounded_up_and_stays_in_range) {
  BOOST_TEST(to_nanoseconds(1s) == 1'000'000'000);
  BOOST_TEST(to_nanoseconds(-1h) == -3'600'000'000'000);
  BOOST_TEST(to_nanoseconds(milliseconds{3}) == 3'000'000);
  BOOST_TEST(to_nanoseconds(duration<double>{0.5}) == 500'000'000);
  BOOST_TEST(to_nanoseconds(duration<double, std::nano>{0.1}) == 1);
  BOOST_TEST(to_nanoseconds(duration<double, std::nano>{-0.1}) == 0);
  BOOST_TEST(to_nanoseconds(duration<int, std::pico>{1}) == 1);
  BOOST_TEST(to_nanoseconds(duration<int, std::pico>{1001}) == 2);
  BOOST_TEST(to_nanoseconds(duration<int, std::pico>{-1999}) == -1);
  BOOST_TEST(to_nanoseconds(duration<std::int64_t, std::atto>{1}) == 1);
  BOOST_TEST(to_nanoseconds(duration<int, std::ratio<1, 3>>{1}) == 333'333'334);
  BOOST_TEST(to_nanoseconds(duration<unsigned char>{200}) == 200'000'000'000);
  BOOST_TEST(to_nanoseconds(std::chrono::nanoseconds::max()) == longest_time);
  BOOST_TEST(to_nanoseconds(duration<std::int64_t, std::pico>{longest_time}) ==
             longest_time / 1000 + 1);
  BOOST_TEST(to_nanoseconds(std::chrono::hours::max()) == longest_time);
  BOOST_TEST(to_nanoseconds(std::chrono::hours::min()) == -longest_time);
  BOOST_TEST(to_nanoseconds(duration<std::int64_t, std::exa>{1}) == longest_time);
  BOOST_TEST(to_nanoseconds(duration<std::int64_t, std::exa>{0}) == 0);
  BOOST_TEST(to_nanoseconds(duration<std::uint64_t>{~0ULL}) == longest_time);
  BOOST_TEST(to_nanoseconds(duration<double>{1e300}) == longest_time);
  BOOST_TEST(to_nanoseconds(duration<double>{-1e300}) == -longest_time);
}

BOOST_AUTO_TEST_CASE(a_time_that_is_up_still_takes_a_free_lock) {
  for_times_that_are_up([](auto time) {
    futex_lock lock;
    BOOST_TEST(try_for(lock, time));
    BOOST_TEST(lock.is_locked());
  });
}

BOOST_AUTO_TEST_CASE(a_time_that_is_up_does_not_wait) {
  futex_lock lock;
  lock.lock();
  for_times_that_are_up([&](auto time) { BOOST_TEST(!try_for(lock, time)); });
  BOOST_TEST(test::count_system_calls([&] { return lock.try_lock_for(-1s); }) == 0);
}

BOOST_AUTO_TEST_CASE(a_short_time_ends) {
  futex_lock lock;
  lock.lock();
  BOOST_TEST(!lock.try_lock_for(1ms));
  BOOST_TEST(!lock.try_lock_for(milliseconds{1}));
  BOOST_TEST(!lock.try_lock_until(steady_clock::now() + 1ms));
  BOOST_TEST(!lock.try_lock_until(system_clock::now() + 1ms));
  BOOST_TEST(lock.is_locked());
  BOOST_TEST(!lock.wait_until(futex_lock::now()));
  BOOST_TEST(!lock.wait_until(0));
  BOOST_TEST(!lock.wait_until(std::numeric_limits<std::int64_t>::min()));
}

BOOST_AUTO_TEST_CASE(a_clock_that_is_behind_is_asked_again) {
  futex_lock lock;
  lock.lock();
  BOOST_TEST(!lock.try_lock_until(stopped_clock::time_point{1ms}));
  BOOST_TEST(stopped_clock::asked == 5);
}

BOOST_AUTO_TEST_CASE(a_time_that_never_comes_lasts_until_the_lock_is_free) {
  for_times_that_never_come([](auto time) {
    const auto end = in_child(
        [=] {
          futex_lock lock;
          bool taken = false;
          {
            sleeper waiter{[&](sleeper& self) {
              self.begins();
              taken = try_for(lock, time);
            }};
            lock.lock();
            waiter.go_to_sleep();
            lock.unlock();
          }
          CHILD_REQUIRE(taken && lock.is_locked());
        },
        until_hung);
    BOOST_TEST(test::holds(end));
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(in_a_mutex_it_disables_only_when_it_has_the_lock, B,
                              test::hosted_backends) {
  const auto end = in_child(
      [] {
        sigsafe::mutex<int, futex_lock, B> shared{7};
        for_times_that_are_up([&](auto time) {
          {
            const auto mine = try_for(shared, time);
            CHILD_REQUIRE(mine && *mine == 7 && !B::enabled());
          }
          CHILD_REQUIRE(B::enabled());
        });
        test::gate given_up;
        sleeper waiter{[&](sleeper& self) {
          self.begins();
          for_times_that_are_up([&](auto time) { CHILD_REQUIRE(!try_for(shared, time)); });
          CHILD_REQUIRE(!shared.try_lock_for(1ms));
          CHILD_REQUIRE(!shared.try_lock_until(system_clock::now() + 1ms));
          CHILD_REQUIRE(B::enabled());
          given_up.open();
        }};
        const auto held = shared.lock();
        waiter.go();
        given_up.pass();
      },
      until_hung);
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(handlers_run_while_it_waits_and_do_not_end_it, B,
                              test::hosted_backends) {
  const auto end = in_child(
      [] {
        test::gate handled;
        const sigsafe::handler usr1{SIGUSR1, [&]() noexcept { handled.open(); }};
        sigsafe::raw_mutex<futex_lock, B> shared;
        const auto interrupted = [&](auto lock) {
          bool taken = false;
          {
            sleeper waiter{[&](sleeper& self) {
              self.begins();
              const std::unique_lock<decltype(shared)> mine = lock();
              taken = mine.owns_lock();
            }};
            const std::lock_guard held{shared};
            waiter.go_to_sleep();
            for (int i = 0; i < 3; ++i) {
              waiter.interrupt(SIGUSR1);
              handled.pass();
            }
            waiter.await_sleep();
          }
          CHILD_REQUIRE(taken);
        };
        interrupted([&] { return std::unique_lock{shared, 1h}; });
        interrupted([&] { return std::unique_lock{shared, steady_clock::now() + 1h}; });
        interrupted([&] { return std::unique_lock{shared, system_clock::now() + 1h}; });
      },
      until_hung);
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(a_mutex_leaves_the_time_to_a_lock_that_cannot_be_waited_for) {
  sigsafe::mutex<int, std::timed_mutex> shared{1};
  BOOST_TEST(*shared.try_lock_for(1h) == 1);
  BOOST_TEST(*shared.try_lock_until(steady_clock::now() + 1h) == 1);
}

BOOST_AUTO_TEST_SUITE_END()
