// mutex.hpp: raw_mutex, mutex and its guard. The order of ends is in any_order.cpp.
#include <boost/test/unit_test.hpp>

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include <sigsafe/backend/none.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/mutex.hpp>

#include <tests/support/arrivals.hpp>
#include <tests/support/backends.hpp>
#include <tests/support/broken_backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/sanitizers.hpp>
#include <tests/support/syscalls.hpp>

namespace {

namespace backend = sigsafe::backend;
using namespace std::chrono_literals;
using sigsafe::futex_lock;
using sigsafe::spinlock;
using test::child_end;
using test::counter;
using test::in_child;

/// Raises a signal at every edge where a wrong order would let a handler in.
class raising_lock {
 public:
  void lock() {
    inner_.lock();
    held = true;
    raise(SIGUSR1);
  }
  bool try_lock() {
    if (!inner_.try_lock()) return false;
    held = true;
    raise(SIGUSR1);
    return true;
  }
  void unlock() {
    raise(SIGUSR1);
    held = false;
    inner_.unlock();
    raise(SIGUSR1);
  }

  static inline std::atomic<bool> held{false};

 private:
  futex_lock inner_;
};

/// Broken: a signal after the lock finds interrupts enabled.
template <class L, class B>
struct locks_before_it_disables {
  void lock() {
    lock_.lock();
    state_ = B::disable();
  }
  bool try_lock() {
    if (!lock_.try_lock()) return false;
    state_ = B::disable();
    return true;
  }
  void unlock() {
    const auto saved = state_;
    lock_.unlock();
    B::restore(saved);
  }
  L lock_;
  typename B::saved_state state_;
};

/// Broken: what was deferred runs before the unlock, and finds the lock held.
template <class L, class B>
struct enables_before_it_unlocks {
  void lock() {
    const auto saved = B::disable();
    lock_.lock();
    state_ = saved;
  }
  bool try_lock() {
    const auto saved = B::disable();
    if (lock_.try_lock()) {
      state_ = saved;
      return true;
    }
    B::restore(saved);
    return false;
  }
  void unlock() {
    B::restore(state_);
    lock_.unlock();
  }
  L lock_;
  typename B::saved_state state_;
};

/// Broken: a lock that fails or throws leaves interrupts disabled.
template <class L, class B>
struct stays_disabled {
  void lock() {
    state_ = B::disable();
    lock_.lock();
  }
  bool try_lock() {
    state_ = B::disable();
    return lock_.try_lock();
  }
  void unlock() {
    lock_.unlock();
    B::restore(state_);
  }
  L lock_;
  typename B::saved_state state_;
};

template <class Mutex>
child_end no_handler_runs_on_the_thread_that_holds_it() {
  return in_child([] {
    std::atomic<int> runs{0};
    std::atomic<int> runs_while_held{0};
    const sigsafe::handler usr1{SIGUSR1, [&]() noexcept {
                                  ++runs;
                                  if (raising_lock::held) ++runs_while_held;
                                }};
    Mutex mutex;
    { const std::lock_guard locked{mutex}; }
    CHILD_REQUIRE(runs_while_held == 0);
    CHILD_REQUIRE(runs > 0);
    runs = 0;
    const std::unique_lock tried{mutex, std::try_to_lock};
    CHILD_REQUIRE(tried.owns_lock());
    CHILD_REQUIRE(runs == 0);
  });
}

struct refusing_lock {
  void lock() { throw std::runtime_error("lock"); }
  bool try_lock() { throw std::runtime_error("try_lock"); }
  bool try_lock_for(std::chrono::seconds) { throw std::runtime_error("try_lock_for"); }
  void unlock() {}
};

template <class Mutex>
child_end what_fails_leaves_interrupts_as_they_were() {
  return in_child([] {
    const counter usr1{SIGUSR1};
    Mutex mutex;
    const std::unique_lock held{mutex};
    bool taken = true;
    int runs_afterwards = 0;
    // A thread of its own, because this one holds the mutex and is disabled for that reason.
    std::thread{[&] {
      sigset_t none;
      sigemptyset(&none);
      pthread_sigmask(SIG_SETMASK, &none, nullptr);
      taken = std::unique_lock{mutex, std::try_to_lock}.owns_lock();
      raise(SIGUSR1);
      runs_afterwards = usr1.runs();
    }}.join();
    CHILD_REQUIRE(!taken);
    CHILD_REQUIRE(runs_afterwards == 1);
  });
}

template <class Mutex>
child_end what_throws_leaves_interrupts_as_they_were() {
  return in_child([] {
    const counter usr1{SIGUSR1};
    Mutex mutex;
    const auto throws = [](auto function) {
      try {
        function();
      } catch (const std::runtime_error&) {
        return true;
      }
      return false;
    };
    CHILD_REQUIRE(throws([&] { const std::lock_guard locked{mutex}; }));
    raise(SIGUSR1);
    CHILD_REQUIRE(usr1.runs() == 1);
    CHILD_REQUIRE(throws([&] { const std::unique_lock locked{mutex, std::try_to_lock}; }));
    raise(SIGUSR1);
    CHILD_REQUIRE(usr1.runs() == 2);
    if constexpr (requires { mutex.try_lock_for(1s); })
      CHILD_REQUIRE(throws([&] { const std::unique_lock locked{mutex, 1s}; }));
    raise(SIGUSR1);
    CHILD_REQUIRE(usr1.runs() == 3);
  });
}

/// Disabled while the lock lives, enabled afterwards, and a signal from inside handled by then.
template <class B, class Lock>
void require_disabled_by(Lock&& lock) {
  const counter usr1{SIGUSR1};
  CHILD_REQUIRE(B::enabled());
  {
    [[maybe_unused]] const auto locked = lock();
    CHILD_REQUIRE(!B::enabled());
    raise(SIGUSR1);
    CHILD_REQUIRE(usr1.runs() == 0);
  }
  CHILD_REQUIRE(usr1.runs() == 1);
  CHILD_REQUIRE(B::enabled());
}

/// Fires on the thread that made it.
class thread_timer {
 public:
  thread_timer(int signal, std::chrono::microseconds interval) {
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = signal;
    event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
    CHILD_REQUIRE(timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0);
    const timespec each{0, static_cast<long>(interval.count()) * 1000};
    const itimerspec times{each, each};
    CHILD_REQUIRE(timer_settime(timer_, 0, &times, nullptr) == 0);
  }
  thread_timer(const thread_timer&) = delete;
  thread_timer& operator=(const thread_timer&) = delete;
  ~thread_timer() { timer_delete(timer_); }

 private:
  timer_t timer_{};
};

/// Eight threads and their timers' handlers increment the same two numbers.
template <class Mutex>
child_end threads_and_their_handlers_lose_no_increment(int iterations, int seconds = 30) {
  return in_child(
      [=] {
        constexpr int threads = 8;
        Mutex shared;
        std::atomic<long> handled{0};
        const auto increment = [&] {
          const auto locked = shared.lock();
          CHILD_REQUIRE(locked->first == locked->second);
          ++locked->first;
          ++locked->second;
        };
        const sigsafe::handler timer{SIGRTMIN, [&]() noexcept {
                                       increment();
                                       handled.fetch_add(1);
                                     }};
        std::vector<std::thread> running;
        for (int i = 0; i < threads; ++i)
          running.emplace_back([&] {
            const thread_timer often{SIGRTMIN, 300us};
            for (int round = 0; round < iterations; ++round) {
              increment();
              if (round % 256 != 0) continue;
              const auto locked = shared.lock();
              raise(SIGRTMIN);  // what the timer does now and then happens here for certain
            }
          });
        for (auto& thread : running) thread.join();
        const auto locked = shared.lock();
        CHILD_REQUIRE(handled.load() >= threads);
        CHILD_REQUIRE(locked->first == long{threads} * iterations + handled.load());
      },
      seconds);
}

template <class L, class B>
using shared_pair = sigsafe::mutex<std::pair<long, long>, L, B>;

constinit sigsafe::mutex<int> static_mutex{41};
constinit sigsafe::lazy::mutex<int> static_lazy_mutex;
constinit sigsafe::raw_mutex<> static_raw_mutex;

struct counts_moves {
  counts_moves() = default;
  counts_moves(counts_moves&& other) noexcept : moves(other.moves + 1) {}
  int moves = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(raw_mutex, test::clean_thread)

BOOST_AUTO_TEST_CASE_TEMPLATE(it_disables_before_it_locks_and_unlocks_before_it_enables, B,
                              test::hosted_backends) {
  using right = sigsafe::raw_mutex<raising_lock, B>;
  BOOST_TEST(test::holds(no_handler_runs_on_the_thread_that_holds_it<right>()));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_wrong_order_is_caught, B, test::hosted_backends) {
  BOOST_TEST(test::is_caught(
      no_handler_runs_on_the_thread_that_holds_it<locks_before_it_disables<raising_lock, B>>()));
  BOOST_TEST(test::is_caught(
      no_handler_runs_on_the_thread_that_holds_it<enables_before_it_unlocks<raising_lock, B>>()));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_failed_try_lock_leaves_interrupts_as_they_were, B,
                              test::hosted_backends) {
  BOOST_TEST(
      test::holds(what_fails_leaves_interrupts_as_they_were<sigsafe::raw_mutex<futex_lock, B>>()));
  BOOST_TEST(
      test::is_caught(what_fails_leaves_interrupts_as_they_were<stays_disabled<futex_lock, B>>()));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_lock_that_throws_leaves_interrupts_as_they_were, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(
      what_throws_leaves_interrupts_as_they_were<sigsafe::raw_mutex<refusing_lock, B>>()));
  BOOST_TEST(test::is_caught(
      what_throws_leaves_interrupts_as_they_were<stays_disabled<refusing_lock, B>>()));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_locks_of_the_standard_library_work_with_it, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    sigsafe::raw_mutex<std::timed_mutex, B> one;
    sigsafe::raw_mutex<futex_lock, B> two;
    sigsafe::raw_mutex<std::shared_timed_mutex, B> shared;
    require_disabled_by<B>([&] { return std::make_unique<std::lock_guard<decltype(one)>>(one); });
    require_disabled_by<B>(
        [&] { return std::make_unique<std::scoped_lock<decltype(one), decltype(two)>>(one, two); });
    require_disabled_by<B>([&] { return std::unique_lock{one}; });
    require_disabled_by<B>([&] { return std::unique_lock{two, std::try_to_lock}; });
    // ThreadSanitizer of clang 14 does not see pthread_mutex_clocklock lock a mutex.
    if constexpr (!test::under_thread_sanitizer) {
      require_disabled_by<B>([&] { return std::unique_lock{one, 1h}; });
      require_disabled_by<B>(
          [&] { return std::unique_lock{one, std::chrono::steady_clock::now() + 1h}; });
    }
    require_disabled_by<B>([&] { return std::unique_lock{shared}; });
    require_disabled_by<B>([&] { return std::shared_lock{shared}; });
    require_disabled_by<B>([&] { return std::shared_lock{shared, std::try_to_lock}; });
    require_disabled_by<B>(
        [&] { return std::pair{std::shared_lock{shared}, std::shared_lock{shared}}; });
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_shared_lock_keeps_writers_out_and_readers_not, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    sigsafe::raw_mutex<std::shared_mutex, B> shared;
    const std::shared_lock reading{shared};
    bool second_reader = false;
    bool writer = true;
    bool enabled = false;
    std::thread{[&] {
      second_reader = std::shared_lock{shared, std::try_to_lock}.owns_lock();
      writer = std::unique_lock{shared, std::try_to_lock}.owns_lock();
      enabled = B::enabled();
    }}.join();
    CHILD_REQUIRE(second_reader);
    CHILD_REQUIRE(!writer);
    CHILD_REQUIRE(enabled);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_time_that_is_up_leaves_interrupts_as_they_were, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    sigsafe::raw_mutex<std::timed_mutex, B> mutex;
    const std::lock_guard held{mutex};
    bool taken = true;
    bool enabled = false;
    std::thread{[&] {
      taken = std::unique_lock{mutex, 1ms}.owns_lock() ||
              std::unique_lock{mutex, std::chrono::steady_clock::now()}.owns_lock();
      enabled = B::enabled();
    }}.join();
    CHILD_REQUIRE(!taken);
    CHILD_REQUIRE(enabled);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_condition_variable_enables_while_it_waits, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    test::gate handled;
    const sigsafe::handler usr1{SIGUSR1, [&]() noexcept { handled.open(); }};
    sigsafe::raw_mutex<futex_lock, B> mutex;
    std::condition_variable_any changed;
    test::gate inside;
    bool done = false;
    bool disabled_again = false;
    std::thread waiting{[&] {
      std::unique_lock locked{mutex};
      inside.open();
      changed.wait(locked, [&] { return done; });
      disabled_again = !B::enabled();
    }};
    inside.pass();
    { const std::lock_guard locked{mutex}; }  // the other one waits now
    // ThreadSanitizer delivers nothing to a thread that sleeps in a condition variable.
    if (!test::under_thread_sanitizer) {
      pthread_kill(waiting.native_handle(), SIGUSR1);
      handled.pass();
    }
    {
      const std::lock_guard locked{mutex};
      done = true;
    }
    changed.notify_one();
    waiting.join();
    CHILD_REQUIRE(disabled_again);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(it_has_what_its_lock_has) {
  using plain = sigsafe::raw_mutex<spinlock>;
  using sleeping = sigsafe::raw_mutex<futex_lock>;
  using timed = sigsafe::raw_mutex<std::timed_mutex>;
  using shared = sigsafe::raw_mutex<std::shared_mutex>;
  using flat_and_shared = sigsafe::raw_mutex<std::shared_mutex, test::flat_backend>;
  constexpr auto has_times = []<class M>(std::type_identity<M>) {
    return requires(M& mutex) { mutex.try_lock_for(1s); };
  };
  constexpr auto has_shares = []<class M>(std::type_identity<M>) {
    return requires(M& mutex) { mutex.lock_shared(); };
  };
  BOOST_TEST(has_times(std::type_identity<timed>{}));
  BOOST_TEST(has_times(std::type_identity<sleeping>{}));
  BOOST_TEST(!has_times(std::type_identity<plain>{}));
  BOOST_TEST(has_shares(std::type_identity<shared>{}));
  BOOST_TEST(!has_shares(std::type_identity<plain>{}));
  BOOST_TEST(!has_shares(std::type_identity<flat_and_shared>{}));
}

BOOST_AUTO_TEST_CASE(it_throws_what_its_lock_throws_and_no_more) {
  constexpr auto locks_quietly = []<class M>(std::type_identity<M>) {
    return requires(M& mutex) {
      { mutex.lock() } noexcept;
    };
  };
  BOOST_TEST(locks_quietly(std::type_identity<sigsafe::raw_mutex<futex_lock>>{}));
  BOOST_TEST(!locks_quietly(std::type_identity<sigsafe::raw_mutex<std::mutex>>{}));
  BOOST_TEST(locks_quietly(std::type_identity<sigsafe::mutex<int>>{}));
  BOOST_TEST(!locks_quietly(std::type_identity<sigsafe::mutex<int, refusing_lock>>{}));
}

BOOST_AUTO_TEST_CASE(is_locked_and_underlying_show_the_lock_inside) {
  sigsafe::raw_mutex<futex_lock> mutex;
  BOOST_TEST(!mutex.is_locked());
  mutex.lock();
  const bool locked = mutex.is_locked();
  const bool locked_inside = mutex.underlying().is_locked();
  mutex.unlock();
  BOOST_TEST(locked);
  BOOST_TEST(locked_inside);
  BOOST_TEST(!mutex.is_locked());
}

#if !SIGSAFE_CHECKED
BOOST_AUTO_TEST_CASE_TEMPLATE(on_a_counting_backend_it_is_as_large_as_its_lock, B,
                              test::hosted_backends) {
  BOOST_TEST(sizeof(sigsafe::raw_mutex<spinlock, B>) == sizeof(spinlock));
  BOOST_TEST(sizeof(sigsafe::raw_mutex<futex_lock, B>) == sizeof(futex_lock));
  BOOST_TEST(sizeof(sigsafe::mutex<int, futex_lock, B>) == 8U);
}
#endif

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(mutex, test::clean_thread)

BOOST_AUTO_TEST_CASE_TEMPLATE(eight_threads_and_their_timers_lose_nothing, B,
                              test::hosted_backends) {
  BOOST_TEST(
      test::holds(threads_and_their_handlers_lose_no_increment<shared_pair<futex_lock, B>>(20000)));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_same_with_a_spinlock, B, test::hosted_backends) {
  BOOST_TEST(
      test::holds(threads_and_their_handlers_lose_no_increment<shared_pair<spinlock, B>>(2000)));
}

BOOST_AUTO_TEST_CASE(the_same_without_disabling_is_caught) {
  using unguarded = shared_pair<futex_lock, backend::none>;
  BOOST_TEST(threads_and_their_handlers_lose_no_increment<unguarded>(1, 1).hung);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_finds_it_free_at_the_release_of_the_guard, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    sigsafe::mutex<int, futex_lock, B> shared{0};
    const sigsafe::handler usr1{SIGUSR1, [&]() noexcept { ++*shared.lock(); }};
    {
      auto locked = shared.lock();
      raise(SIGUSR1);
      CHILD_REQUIRE(*locked == 0);
      locked.unlock();
      CHILD_REQUIRE(*shared.lock() == 1);
      raise(SIGUSR1);
      CHILD_REQUIRE(*shared.lock() == 2);
      locked.unlock();
      CHILD_REQUIRE(B::enabled());
    }
    shared.with_lock([](int& value) {
      raise(SIGUSR1);
      CHILD_REQUIRE(value == 2);
    });
    CHILD_REQUIRE(*shared.lock() == 3);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(try_lock_is_empty_when_it_is_held, B, test::hosted_backends) {
  const child_end end = in_child([] {
    const counter usr1{SIGUSR1};
    sigsafe::mutex<int, futex_lock, B> shared{5};
    {
      const auto taken = shared.try_lock();
      CHILD_REQUIRE(static_cast<bool>(taken));
      CHILD_REQUIRE(*taken == 5);
      CHILD_REQUIRE(shared.is_locked());
      CHILD_REQUIRE(!shared.try_lock());
      CHILD_REQUIRE(!B::enabled());
    }
    CHILD_REQUIRE(!shared.is_locked());
    auto held = shared.lock();
    bool empty = false;
    bool enabled = false;
    std::thread{[&] {
      const auto nothing = shared.try_lock();
      empty = !nothing;
      enabled = B::enabled();
    }}.join();
    CHILD_REQUIRE(empty);
    CHILD_REQUIRE(enabled);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(its_guard_moves_and_carries_the_lock, B, test::hosted_backends) {
  const child_end end = in_child([] {
    const counter usr1{SIGUSR1};
    sigsafe::mutex<std::string, futex_lock, B> one{"one"};
    sigsafe::mutex<std::string, futex_lock, B> two{"two"};
    {
      auto first = one.lock();
      auto moved = std::move(first);
      CHILD_REQUIRE(static_cast<bool>(moved));
      CHILD_REQUIRE(!first);
      first.unlock();  // empty: does nothing
      CHILD_REQUIRE(one.is_locked());
      CHILD_REQUIRE(moved->size() == 3);

      auto second = two.lock();
      raise(SIGUSR1);
      moved = std::move(second);  // ends the right to one
      CHILD_REQUIRE(!one.is_locked());
      CHILD_REQUIRE(two.is_locked());
      CHILD_REQUIRE(*moved == "two");
      auto& same = moved;
      moved = std::move(same);
      CHILD_REQUIRE(two.is_locked());

      first = one.lock();
      first.swap(moved);
      CHILD_REQUIRE(*first == "two");
      CHILD_REQUIRE(*moved == "one");
      CHILD_REQUIRE(usr1.runs() == 0);
    }
    CHILD_REQUIRE(usr1.runs() == 1);
    CHILD_REQUIRE(!one.is_locked());
    CHILD_REQUIRE(!two.is_locked());
    CHILD_REQUIRE(B::enabled());
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(with_lock_returns_and_throws_what_the_function_does, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    sigsafe::mutex<int, futex_lock, B> shared{1};
    CHILD_REQUIRE(shared.with_lock([](int& value) { return ++value; }) == 2);
    int& reference = shared.with_lock([](int& value) -> int& { return value; });
    CHILD_REQUIRE(&reference == &shared.get_mut());
    bool thrown = false;
    try {
      shared.with_lock([](int&) { throw std::runtime_error("from inside"); });
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    CHILD_REQUIRE(thrown);
    CHILD_REQUIRE(!shared.is_locked());
    CHILD_REQUIRE(B::enabled());
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(with_lock_takes_a_pointer_to_a_member) {
  struct pair {
    int first;
    int second;
  };
  sigsafe::mutex<pair> mutex{pair{1, 2}};
  BOOST_TEST(mutex.with_lock(&pair::second) == 2);
}

BOOST_AUTO_TEST_CASE(it_is_constructed_in_every_way) {
  *static_mutex.lock() += 1;
  BOOST_TEST(*static_mutex.lock() == 42);
  BOOST_TEST(*static_lazy_mutex.lock() == 0);
  static_raw_mutex.lock();
  static_raw_mutex.unlock();

  sigsafe::mutex deduced{2.5};
  BOOST_TEST((std::is_same_v<decltype(deduced), sigsafe::mutex<double>>));
  sigsafe::mutex<std::string> in_place{std::in_place, 3U, 'x'};
  BOOST_TEST(*in_place.lock() == "xxx");
  sigsafe::mutex<counts_moves> not_moved{std::in_place};
  BOOST_TEST(not_moved.lock()->moves == 0);
  struct only_in_place {
    explicit only_in_place(int) {}
  };
  BOOST_TEST(!std::is_default_constructible_v<sigsafe::mutex<only_in_place>>);
}

BOOST_AUTO_TEST_CASE(without_sharing_the_value_is_reached_without_a_lock) {
  sigsafe::mutex<std::unique_ptr<int>> shared{std::make_unique<int>(1)};
  *shared.get_mut() = 2;
  BOOST_TEST(test::count_system_calls([&] { *shared.get_mut() = 3; }) == 0);
  const std::unique_ptr<int> out = std::move(shared).into_inner();
  BOOST_TEST(*out == 2);
}

BOOST_AUTO_TEST_CASE(it_neither_copies_nor_moves_and_its_guard_does_not_copy) {
  using type = sigsafe::mutex<int>;
  BOOST_TEST((!std::is_copy_constructible_v<type> && !std::is_move_constructible_v<type>));
  BOOST_TEST((!std::is_copy_assignable_v<type> && !std::is_move_assignable_v<type>));
  BOOST_TEST(!std::is_copy_constructible_v<type::guard_type>);
  BOOST_TEST(std::is_nothrow_move_constructible_v<type::guard_type>);
  BOOST_TEST(std::is_nothrow_move_assignable_v<type::guard_type>);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(any_lock_will_do, B, test::hosted_backends) {
  const child_end end = in_child([] {
    const auto counts = [](auto& shared) {
      const sigsafe::handler usr1{SIGUSR1, [&]() noexcept { ++*shared.lock(); }};
      {
        const auto locked = shared.lock();
        raise(SIGUSR1);
        CHILD_REQUIRE(*locked == 0);
      }
      CHILD_REQUIRE(*shared.lock() == 1);
      CHILD_REQUIRE(*shared.try_lock() == 1);
    };
    sigsafe::mutex<int, std::mutex, B> standard{0};
    sigsafe::mutex<int, spinlock, B> spinning{0};
    sigsafe::mutex<int, futex_lock, B> sleeping{0};
    counts(standard);
    counts(spinning);
    counts(sleeping);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(a_flat_backend_keeps_its_state_in_the_mutex) {
  const child_end end = in_child([] {
    sigsafe::mutex<int, spinlock, test::flat_backend> outer{0};
    sigsafe::mutex<int, spinlock, test::flat_backend> inner{0};
    const counter usr1{SIGUSR1};
    {
      const auto first = outer.lock();
      {
        const auto second = inner.lock();
        raise(SIGUSR1);
      }
      CHILD_REQUIRE(!inner.is_locked());
      CHILD_REQUIRE(usr1.runs() == 0);
    }
    CHILD_REQUIRE(usr1.runs() == 1);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(a_lazy_one_makes_no_system_call_without_contention) {
  sigsafe::lazy::mutex<int> shared{0};
  BOOST_TEST(test::count_system_calls([&] { ++*shared.lock(); }) == 0);
  BOOST_TEST(test::count_system_calls([&] { ++*shared.try_lock(); }) == 0);
}

BOOST_AUTO_TEST_CASE(an_eager_one_makes_two_system_calls) {
  sigsafe::mutex<int> shared{0};
  BOOST_TEST(test::count_system_calls([&] { ++*shared.lock(); }) == 2);
  BOOST_TEST(test::count_system_calls([] { return sigsafe::guard{}; },
                                      [&](auto&) { ++*shared.lock(); }) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
