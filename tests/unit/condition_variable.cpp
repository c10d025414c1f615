// condition_variable.hpp: waiting with a mutex, for threads and for handlers.
#include <boost/test/unit_test.hpp>

#include <signal.h>
#include <sys/time.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <limits>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include <sigsafe/condition_variable.hpp>
#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/mutex.hpp>

#include <tests/support/arrivals.hpp>
#include <tests/support/backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/signals.hpp>
#include <tests/support/sleeper.hpp>
#include <tests/support/sleeping.hpp>
#include <tests/support/syscalls.hpp>

namespace {

using namespace std::chrono_literals;
using sigsafe::condition_variable;
using sigsafe::default_raw_lock;
using std::chrono::steady_clock;
using test::in_child;

template <class B>
using counted = sigsafe::mutex<int, default_raw_lock, B>;
template <class B>
using raw = sigsafe::raw_mutex<default_raw_lock, B>;

static_assert(sizeof(condition_variable) == 8);

/// Threads that wait until a number is not 0; woken counts them.
template <class B>
class waiters {
 public:
  waiters(counted<B>& number, condition_variable& changed, int count) {
    for (int i = 0; i < count; ++i)
      all_.push_back(std::make_unique<test::sleeper>([&, this](test::sleeper& self) {
        self.begins();
        auto locked = number.lock();
        changed.wait(locked, [&] { return *locked != 0; });
        ++woken_;
      }));
    for (auto& each : all_) each->go_to_sleep();
  }
  /// Returns when they have ended.
  int woken() {
    all_.clear();
    return woken_;
  }

 private:
  std::atomic<int> woken_{0};
  std::vector<std::unique_ptr<test::sleeper>> all_;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(condition_variable_, test::clean_thread)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_thread_wakes_a_thread, B, test::hosted_backends) {
  constexpr int rounds = 2000;
  counted<B> turn{0};
  condition_variable changed;
  const auto play = [&](int mine) {
    for (int round = 0; round < rounds; ++round) {
      auto locked = turn.lock();
      changed.wait(locked, [&] { return *locked % 2 == mine; });
      ++*locked;
      changed.notify_one();
    }
  };
  std::thread other{[&] { play(1); }};
  play(0);
  other.join();
  BOOST_TEST(turn.get_mut() == 2 * rounds);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_works_with_every_kind_of_lock, B, test::hosted_backends) {
  condition_variable changed;
  const auto waits_with = [&](auto& lock) {
    BOOST_TEST(!changed.wait_for(lock, 0s));
    BOOST_TEST(!changed.wait_for(lock, 1ms, [] { return false; }));
    BOOST_TEST(changed.wait_until(lock, steady_clock::now() - 1h, [] { return true; }));
    BOOST_TEST(!changed.wait_until(lock, std::chrono::system_clock::now() + 1ms));
    changed.wait(lock, [] { return true; });
    changed.notify_all(lock);
  };
  counted<B> owner{0};
  auto guard = owner.lock();
  waits_with(guard);
  BOOST_TEST(!B::enabled());
  guard.unlock();
  raw<B> mutex;
  {
    std::unique_lock lock{mutex};
    waits_with(lock);
  }
  mutex.lock();
  waits_with(mutex);
  mutex.unlock();
  std::mutex plain;
  std::unique_lock lock{plain};
  waits_with(lock);
  sigsafe::raw_mutex<std::mutex, B> other;
  std::unique_lock other_lock{other};
  waits_with(other_lock);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(notify_all_wakes_everybody, B, test::hosted_backends) {
  counted<B> number{0};
  condition_variable changed;
  waiters<B> waiting{number, changed, 4};
  *number.lock() = 1;
  changed.notify_all();
  BOOST_TEST(waiting.woken() == 4);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(who_holds_the_lock_wakes_them_by_unlocking_it, B,
                              test::hosted_backends) {
  counted<B> number{0};
  condition_variable changed;
  waiters<B> waiting{number, changed, 4};
  auto locked = number.lock();
  *locked = 1;
  changed.notify_all(locked);
  locked.unlock();
  BOOST_TEST(waiting.woken() == 4);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(nobody_wakes_up_to_find_the_lock_held, B, test::hosted_backends) {
  BOOST_TEST(test::holds(in_child([] {
    counted<B> number{0};
    condition_variable changed;
    test::sleeper other{[&](test::sleeper& self) {
      self.begins();
      auto locked = number.lock();
      changed.wait(locked);  // the only sleep is that before the notification
      CHILD_REQUIRE(*locked == 1);
    }};
    other.go_to_sleep();
    const long before = test::voluntary_switches(other.id());
    auto locked = number.lock();
    *locked = 1;
    changed.notify_all(locked);
    test::let_others_run();
    CHILD_REQUIRE(test::voluntary_switches(other.id()) == before);
  })));
}

BOOST_AUTO_TEST_CASE(notify_one_wakes_one) {
  counted<sigsafe::backend::posix> number{0};
  condition_variable changed;
  waiters<sigsafe::backend::posix> waiting{number, changed, 2};
  *number.lock() = 1;
  changed.notify_one();
  changed.notify_one();
  BOOST_TEST(waiting.woken() == 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_of_the_waiting_thread_may_notify, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(in_child([] {
    counted<B> ticks{0};
    condition_variable changed;
    const sigsafe::handler alarm{SIGALRM, [&]() noexcept {
                                   ++*ticks.lock();
                                   changed.notify_all();
                                 }};
    const itimerval tick{{0, 500}, {0, 500}};
    setitimer(ITIMER_REAL, &tick, nullptr);
    auto locked = ticks.lock();
    for (int wanted = 1; wanted <= 20; ++wanted)
      changed.wait(locked, [&] { return *locked >= wanted; });
    CHILD_REQUIRE(!B::enabled());
    const itimerval none{};
    setitimer(ITIMER_REAL, &none, nullptr);
  })));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(handlers_lock_its_mutex_at_any_moment, B, test::hosted_backends) {
  BOOST_TEST(test::holds(in_child([] {
    counted<B> turn{0};
    condition_variable changed;
    std::atomic<bool> over{false};
    const sigsafe::handler usr1{SIGUSR1, [&]() noexcept {
                                  const auto locked = turn.lock();
                                  changed.notify_all();
                                }};
    const auto play = [&](int mine) {
      for (int round = 0; round < 500; ++round) {
        auto locked = turn.lock();
        changed.wait(locked, [&] { return *locked % 2 == mine; });
        ++*locked;
        changed.notify_all(locked);
      }
    };
    std::thread one{[&] { play(1); }};
    std::thread storm{[&] {
      test::block({SIGUSR1});
      while (!over) kill(getpid(), SIGUSR1);
    }};
    play(0);
    one.join();
    over = true;
    storm.join();
    CHILD_REQUIRE(turn.get_mut() == 1000);
  })));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_notification_between_unlock_and_sleep_is_not_missed, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(in_child([] {
    // The signal is held off by the lock, and its handler runs when wait unlocks.
    counted<B> number{0};
    condition_variable changed;
    const sigsafe::handler usr1{SIGUSR1, [&]() noexcept {
                                  *number.lock() = 1;
                                  changed.notify_one();
                                }};
    auto locked = number.lock();
    raise(SIGUSR1);
    changed.wait(locked);
    CHILD_REQUIRE(*locked == 1);
  })));
}

// Between the look and the sleep another thread changes it, and does not lock.
BOOST_AUTO_TEST_CASE(a_predicate_of_atomics_needs_no_lock_to_be_changed) {
  BOOST_TEST(test::holds(in_child([] {
    raw<sigsafe::backend::lazy> mutex;
    condition_variable changed;
    std::atomic<bool> flag{false};
    test::gate asked, answered;
    std::thread other{[&] {
      asked.pass();
      flag = true;
      changed.notify_all();
      answered.open();
    }};
    std::unique_lock lock{mutex};
    bool first = true;
    changed.wait(lock, [&] {
      const bool is_set = flag;
      if (first) {
        first = false;
        asked.open();
        answered.pass();
      }
      return is_set;
    });
    other.join();
  })));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(its_time_does_not_begin_anew_with_each_notification, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(in_child([] {
    counted<B> number{0};
    condition_variable changed;
    const sigsafe::handler alarm{SIGALRM, [&]() noexcept { changed.notify_all(); }};
    const itimerval tick{{0, 1000}, {0, 1000}};
    setitimer(ITIMER_REAL, &tick, nullptr);
    auto locked = number.lock();
    CHILD_REQUIRE(!changed.wait_for(locked, 20ms, [] { return false; }));
    CHILD_REQUIRE(!changed.wait_until(locked, steady_clock::now() + 20ms, [] { return false; }));
    const itimerval none{};
    setitimer(ITIMER_REAL, &none, nullptr);
  })));
}

// A test that fails here has waited for 292 years, or overflowed.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_negative_time_is_no_time_however_long, B, test::hosted_backends) {
  const auto body = [] {
    counted<B> number{0};
    condition_variable changed;
    auto locked = number.lock();
    const auto is_none = [&](auto time) {
      return !changed.wait_for(locked, time) &&
             !changed.wait_for(locked, time, [] { return false; });
    };
    CHILD_REQUIRE(is_none(-1ns) && is_none(-1h));
    CHILD_REQUIRE(is_none(std::chrono::nanoseconds::min()) && is_none(std::chrono::hours::min()));
    CHILD_REQUIRE(is_none(std::chrono::duration<double>{-1e30}));
    CHILD_REQUIRE(is_none(std::chrono::duration<double>{std::numeric_limits<double>::quiet_NaN()}));
  };
  BOOST_TEST(test::holds(in_child(body, 10)));
}

BOOST_AUTO_TEST_CASE(a_predicate_that_throws_leaves_the_lock_held) {
  counted<sigsafe::backend::posix> number{0};
  condition_variable changed;
  auto locked = number.lock();
  const auto throws = []() -> bool { throw std::runtime_error{""}; };
  BOOST_CHECK_THROW(changed.wait(locked, throws), std::runtime_error);
  BOOST_TEST(number.is_locked());
  BOOST_TEST(!changed.wait_for(locked, 0s));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_wait_with_another_hold_panics, B, test::hosted_backends) {
  BOOST_TEST(test::panics(in_child([] {
                            counted<B> number{0};
                            condition_variable changed;
                            const sigsafe::basic_guard<B> off;
                            auto locked = number.lock();
                            changed.wait(locked);
                          }),
                          "waiting with a hold would hold off the handlers"));
}

BOOST_AUTO_TEST_CASE(a_wait_inside_a_handler_panics) {
  BOOST_TEST(test::panics(in_child([] {
                            static counted<sigsafe::backend::posix> number{0};
                            static condition_variable changed;
                            const sigsafe::handler usr1{SIGUSR1, []() noexcept {
                                                          auto locked = number.lock();
                                                          changed.wait(locked);
                                                        }};
                            raise(SIGUSR1);
                          }),
                          "wait inside a handler would never wake"));
}

BOOST_AUTO_TEST_CASE(notify_all_with_a_lock_that_nobody_holds_panics) {
  BOOST_TEST(test::panics(in_child([] {
                            raw<sigsafe::backend::posix> mutex;
                            condition_variable changed;
                            changed.notify_all(mutex);
                          }),
                          "notify_all with a lock that nobody holds"));
}

BOOST_AUTO_TEST_CASE(a_notification_makes_no_system_call_when_nobody_waits) {
  condition_variable changed;
  raw<sigsafe::backend::lazy> mutex;
  BOOST_TEST(test::count_system_calls([&] {
               changed.notify_one();
               changed.notify_all();
               mutex.underlying().lock();
               changed.notify_all(mutex);
             }) == 0);
}

BOOST_AUTO_TEST_CASE(a_notification_keeps_errno) {
  counted<sigsafe::backend::posix> number{0};
  condition_variable changed;
  auto locked = number.lock();
  errno = EDOM;
  changed.notify_all();
  changed.notify_all(locked);
  BOOST_TEST(!changed.wait_for(locked, 0s));
  BOOST_TEST(errno == EDOM);
}

BOOST_AUTO_TEST_SUITE_END()
