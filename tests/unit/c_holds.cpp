// sigsafe.h: holds, mutexes, conditions, waits and events.
#include <boost/test/unit_test.hpp>

#include <sigsafe/sigsafe.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <tuple>

#include <tests/support/c_backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/sanitizers.hpp>
#include <tests/support/signals.hpp>

namespace {

using test::check_in_child;
using test::in_child;
using test::send;
using kinds = std::tuple<test::c_eager_calls, test::c_lazy_calls>;

/// Counts SIGUSR1 while it lives.
class counter {
 public:
  explicit counter(unsigned options = 0, int signal = SIGUSR1) {
    CHILD_REQUIRE(sigsafe_handler_register(&handler_, signal, options, &count, this) == 0);
  }
  counter(const counter&) = delete;
  counter& operator=(const counter&) = delete;
  ~counter() { CHILD_REQUIRE(sigsafe_handler_unregister(&handler_) == 0); }

  [[nodiscard]] int runs() const noexcept { return runs_; }

 private:
  static void count(const sigsafe_signal*, void* data) { ++static_cast<counter*>(data)->runs_; }

  sigsafe_handler handler_ = SIGSAFE_HANDLER_INIT;
  std::atomic<int> runs_{0};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(c_holds, test::clean_thread)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_waits_for_the_last_leave, K, kinds) {
  check_in_child([] {
    const counter usr1;
    K::enter();
    K::enter();
    CHILD_REQUIRE(!sigsafe_enabled());
    send(SIGUSR1);
    K::leave();
    CHILD_REQUIRE(usr1.runs() == 0);
    K::leave();
    CHILD_REQUIRE(usr1.runs() == 1 && sigsafe_enabled() && test::is_at_rest());
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_guard_ends_with_its_block, K, kinds) {
  check_in_child([] {
    const counter usr1;
    K::guarded([&] {
      send(SIGUSR1);
      CHILD_REQUIRE(usr1.runs() == 0);
    });
    CHILD_REQUIRE(usr1.runs() == 1 && test::is_at_rest());
  });
}

BOOST_AUTO_TEST_CASE(guards_and_holds_are_released_in_any_order) {
  check_in_child([] {
    const counter usr1;
    sigsafe_lazy_enter();
    {
      SIGSAFE_LAZY_GUARD;
      sigsafe_eager_enter();
      sigsafe_lazy_leave();
      send(SIGUSR1);
    }
    CHILD_REQUIRE(usr1.runs() == 0);
    sigsafe_eager_leave();
    CHILD_REQUIRE(usr1.runs() == 1 && test::is_at_rest());
    sigsafe_lazy_enter();
    {
      SIGSAFE_LAZY_GUARD;
      sigsafe_lazy_leave();
      send(SIGUSR1);
      CHILD_REQUIRE(usr1.runs() == 1);
    }
    CHILD_REQUIRE(usr1.runs() == 2 && test::is_at_rest());
  });
}

BOOST_AUTO_TEST_CASE(a_subset_blocks_its_signals_only) {
  check_in_child([] {
    const counter usr1;
    const counter usr2{0, SIGUSR2};
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    sigsafe_subset_enter(&one);
    send(SIGUSR1);
    send(SIGUSR2);
    CHILD_REQUIRE(usr1.runs() == 0 && usr2.runs() == 1);
    sigsafe_subset_leave(&one);
    CHILD_REQUIRE(usr1.runs() == 1 && test::is_at_rest());
  });
}

BOOST_AUTO_TEST_CASE(a_discarded_sigpipe_does_not_kill) {
  check_in_child([] {
    int ends[2];
    CHILD_REQUIRE(pipe(ends) == 0);
    close(ends[0]);
    sigsafe_discard_enter(SIGPIPE);
    CHILD_REQUIRE(write(ends[1], "x", 1) < 0 && errno == EPIPE);
    sigsafe_discard_leave(SIGPIPE);
    CHILD_REQUIRE(test::is_at_rest());
  });
  BOOST_TEST(test::panics(in_child([] { sigsafe_discard_enter(SIGTERM); }), "SIGPIPE"));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_that_locks_waits_for_the_unlock, K, kinds) {
  static sigsafe_mutex mutex = SIGSAFE_MUTEX_INIT;
  check_in_child([] {
    sigsafe_handler usr1 = SIGSAFE_HANDLER_INIT;
    std::atomic<int> runs{0};
    const auto lock = [](const sigsafe_signal*, void* data) {
      K::lock(&mutex);
      ++*static_cast<std::atomic<int>*>(data);
      K::unlock(&mutex);
    };
    CHILD_REQUIRE(sigsafe_handler_register(&usr1, SIGUSR1, 0, lock, &runs) == 0);
    K::lock(&mutex);
    send(SIGUSR1);
    CHILD_REQUIRE(runs == 0);
    K::unlock(&mutex);
    CHILD_REQUIRE(runs == 1 && test::is_at_rest());
    CHILD_REQUIRE(K::trylock(&mutex));
    std::thread{[] { CHILD_REQUIRE(!K::trylock(&mutex) && sigsafe_enabled()); }}.join();
    std::thread{[] {
      CHILD_REQUIRE(!K::lock_until(&mutex, sigsafe_now()) && sigsafe_enabled());
    }}.join();
    K::unlock(&mutex);
    CHILD_REQUIRE(K::lock_until(&mutex, 0));
    K::unlock(&mutex);
  });
}

// The owner waits for what a handler of the thread does that waits for the lock.
BOOST_AUTO_TEST_CASE_TEMPLATE(who_waits_for_a_lock_runs_its_handlers, K, kinds) {
  static sigsafe_mutex mutex = SIGSAFE_MUTEX_INIT;
  check_in_child([] {
    const counter usr1;
    std::atomic<bool> locked{false};
    // Begun outside of the hold, whose mask it would inherit.
    std::thread waiting{[&] {
      while (!locked) {}
      K::lock(&mutex);
      K::unlock(&mutex);
    }};
    K::lock(&mutex);
    locked = true;
    while (usr1.runs() == 0) pthread_kill(waiting.native_handle(), SIGUSR1);
    K::unlock(&mutex);
    waiting.join();
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(threads_count_under_a_mutex, K, kinds) {
  static sigsafe_mutex mutex = SIGSAFE_MUTEX_INIT;
  static int count;
  count = 0;
  const auto add = [] {
    for (int i = 0; i < 20000; ++i) {
      K::lock(&mutex);
      ++count;
      K::unlock(&mutex);
    }
  };
  std::thread other{add};
  add();
  other.join();
  BOOST_TEST(count == 40000);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_notifies_a_condition, K, kinds) {
  struct shared {
    sigsafe_mutex mutex = SIGSAFE_MUTEX_INIT;
    sigsafe_condition changed = SIGSAFE_CONDITION_INIT;
    bool done = false;
  };
  static shared state;
  state.done = false;
  check_in_child([] {
    sigsafe_handler usr1 = SIGSAFE_HANDLER_INIT;
    const auto notify = [](const sigsafe_signal*, void*) {
      K::lock(&state.mutex);
      state.done = true;
      K::unlock(&state.mutex);
      sigsafe_condition_notify_one(&state.changed);
      sigsafe_condition_notify_all(&state.changed);
    };
    CHILD_REQUIRE(sigsafe_handler_register(&usr1, SIGUSR1, 0, notify, nullptr) == 0);
    K::lock(&state.mutex);
    CHILD_REQUIRE(!K::condition_wait_until(&state.changed, &state.mutex, sigsafe_now() + 1000));
    std::thread sender{[] { kill(getpid(), SIGUSR1); }};
    while (!state.done) K::condition_wait(&state.changed, &state.mutex);
    K::unlock(&state.mutex);
    sender.join();
    CHILD_REQUIRE(test::is_at_rest());
  });
}

// In C this is easily done.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_leave_or_unlock_too_many_panics_in_a_checked_build, K, kinds) {
#if SIGSAFE_CHECKED
  BOOST_TEST(test::panics(in_child([] { K::leave(); }), "has not entered"));
  BOOST_TEST(test::panics(in_child([] {
                            sigsafe_mutex mutex = SIGSAFE_MUTEX_INIT;
                            K::enter();
                            K::unlock(&mutex);
                          }),
                          "nobody has locked"));
#else
  BOOST_TEST_MESSAGE("SIGSAFE_CHECKED is 0");
#endif
}

// ---- waiting

BOOST_AUTO_TEST_CASE_TEMPLATE(a_wait_misses_nothing_that_was_checked_before, K, kinds) {
  check_in_child([] {
    const counter usr1;
    K::enter();
    CHILD_REQUIRE(usr1.runs() == 0);
    send(SIGUSR1);
    CHILD_REQUIRE(sigsafe_wait() == 0 && usr1.runs() == 1);
    CHILD_REQUIRE(sigsafe_wait_until(sigsafe_now() + 1000) == ETIMEDOUT);
    CHILD_REQUIRE(sigsafe_wait_until(0) == ETIMEDOUT);
    send(SIGUSR1);
    CHILD_REQUIRE(sigsafe_wait_until(SIGSAFE_FOREVER) == 0 && usr1.runs() == 2);
    K::leave();
    CHILD_REQUIRE(test::is_at_rest());
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(poll_is_that_of_posix, K, kinds) {
  check_in_child([] {
    const counter usr1;
    int ends[2];
    CHILD_REQUIRE(pipe(ends) == 0);
    pollfd readable{ends[0], POLLIN, 0};
    K::enter();
    CHILD_REQUIRE(sigsafe_poll(&readable, 1, 0) == 0);
    CHILD_REQUIRE(sigsafe_poll_until(&readable, 1, sigsafe_now() + 1000) == 0);
    CHILD_REQUIRE(sigsafe_poll_until(&readable, 1, 0) == 0);
    send(SIGUSR1);
    errno = 0;
    CHILD_REQUIRE(sigsafe_poll(&readable, 1, -1) == -1 && errno == EINTR && usr1.runs() == 1);
    CHILD_REQUIRE(write(ends[1], "x", 1) == 1);
    CHILD_REQUIRE(sigsafe_poll(&readable, 1, -1) == 1 && readable.revents == POLLIN);
    CHILD_REQUIRE(sigsafe_poll_until(&readable, 1, SIGSAFE_FOREVER) == 1);
    pollfd many[100] = {};
    const rlimit few{8, 8};
    CHILD_REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
    CHILD_REQUIRE(sigsafe_poll(many, 100, 0) == -1 && errno == EINVAL);
    K::leave();
    CHILD_REQUIRE(test::is_at_rest());
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_blocking_call_is_opened, K, kinds) {
  check_in_child([] {
    const counter usr1;
    const auto sleep_on = [](void* data, const sigset_t* mask) {
      send(SIGUSR1);
      const timespec long_time{30, 0};
      *static_cast<int*>(data) = ppoll(nullptr, 0, &long_time, mask);
    };
    int result = 0;
    K::enter();
    send(SIGUSR1);
    CHILD_REQUIRE(sigsafe_open(sleep_on, &result) == EINTR && result == 0 && usr1.runs() == 1);
    errno = 0;
    CHILD_REQUIRE(sigsafe_open(sleep_on, &result) == 0 && result == -1 && usr1.runs() == 2);
    CHILD_REQUIRE(errno == EINTR);
    K::leave();
    CHILD_REQUIRE(test::is_at_rest());
  });
}

BOOST_AUTO_TEST_CASE(a_wait_without_a_hold_panics_with_its_place) {
  const unsigned line = __LINE__ + 1;
  const auto end = in_child([] { sigsafe_wait(); });
  BOOST_TEST(test::panics(end, std::string{__FILE__} + ":" + std::to_string(line) +
                                   ": wait without a guard could miss a signal"));
}

BOOST_AUTO_TEST_CASE(a_wait_whose_time_is_over_says_so) {
  test::check_in_child([] {
    const std::string expected = "sigsafe: the time to wait is over";
    sigsafe_handler none{};
    CHILD_REQUIRE(sigsafe_handler_unregister(&none) == EINVAL);
    sigsafe_lazy_enter();
    CHILD_REQUIRE(sigsafe_wait_until(sigsafe_now()) == ETIMEDOUT);
    sigsafe_lazy_leave();
    CHILD_REQUIRE(sigsafe_error_text() == expected);
    CHILD_REQUIRE(sigsafe_handler_unregister(&none) == EINVAL);
    sigsafe_event never = SIGSAFE_EVENT_INIT;
    CHILD_REQUIRE(sigsafe_event_wait_until(&never, sigsafe_now(), nullptr) == ETIMEDOUT);
    CHILD_REQUIRE(sigsafe_error_text() == expected);
  });
}

BOOST_AUTO_TEST_CASE(the_wake_signal_can_be_chosen) {
  check_in_child([] {
    CHILD_REQUIRE(sigsafe_wake_signal() == SIGRTMAX - 3);
    CHILD_REQUIRE(sigsafe_set_wake_signal(SIGTERM) == EINVAL);
    CHILD_REQUIRE(sigsafe_set_wake_signal(SIGRTMAX - 5) == 0);
    CHILD_REQUIRE(sigsafe_wake_signal() == SIGRTMAX - 5);
  });
}

// ---- events

BOOST_AUTO_TEST_CASE(an_event_wakes_once_for_many_sets) {
  check_in_child([] {
    sigsafe_event event = SIGSAFE_EVENT_INIT;
    std::uint32_t times = 0;
    for (int i = 0; i < 5; ++i) sigsafe_event_set(&event);
    CHILD_REQUIRE(sigsafe_event_is_set(&event));
    CHILD_REQUIRE(sigsafe_event_wait(&event, &times) == 0 && times == 1);
    CHILD_REQUIRE(sigsafe_event_wait_until(&event, sigsafe_now() + 1000, nullptr) == ETIMEDOUT);
    std::thread setter{[&] { sigsafe_event_set(&event); }};
    CHILD_REQUIRE(sigsafe_event_wait(&event, nullptr) == 0);
    setter.join();
    sigsafe_event_destroy(&event);
  });
}

BOOST_AUTO_TEST_CASE(an_event_may_stay_set_and_may_count) {
  check_in_child([] {
    sigsafe_event stays = SIGSAFE_EVENT_MANUAL_INIT;
    sigsafe_event_set(&stays);
    CHILD_REQUIRE(sigsafe_event_wait(&stays, nullptr) == 0 && sigsafe_event_is_set(&stays));
    CHILD_REQUIRE(sigsafe_event_reset(&stays) == 1 && !sigsafe_event_is_set(&stays));
    sigsafe_event counts = SIGSAFE_EVENT_COUNTING_INIT;
    std::uint32_t times = 0;
    for (int i = 0; i < 5; ++i) sigsafe_event_set(&counts);
    CHILD_REQUIRE(sigsafe_event_wait(&counts, &times) == 0 && times == 5);
  });
}

BOOST_AUTO_TEST_CASE(an_event_has_a_descriptor) {
  check_in_child([] {
    sigsafe_event event = SIGSAFE_EVENT_INIT;
    int fd = -1;
    CHILD_REQUIRE(sigsafe_event_fd(&event, &fd) == 0);
    pollfd readable{fd, POLLIN, 0};
    CHILD_REQUIRE(poll(&readable, 1, 0) == 0);
    sigsafe_event_set(&event);
    CHILD_REQUIRE(poll(&readable, 1, 0) == 1);
    CHILD_REQUIRE(sigsafe_event_reset(&event) == 1 && poll(&readable, 1, 0) == 0);
    sigsafe_event_destroy(&event);
    CHILD_REQUIRE(dup(STDERR_FILENO) == fd);  // another one's now
    sigsafe_event_destroy(&event);
    CHILD_REQUIRE(fcntl(fd, F_GETFD) == 0 && !sigsafe_event_is_set(&event));
    sigsafe_event_set(&event);
    CHILD_REQUIRE(sigsafe_event_wait(&event, nullptr) == 0);
    if (test::under_address_sanitizer) return;  // it looks at exceptions by way of descriptors
    const rlimit none{0, 0};
    CHILD_REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    sigsafe_event other = SIGSAFE_EVENT_INIT;
    CHILD_REQUIRE(sigsafe_event_fd(&other, &fd) == EMFILE);
    CHILD_REQUIRE(std::string{sigsafe_error_text()}.find("RLIMIT_NOFILE") != std::string::npos);
  });
}

BOOST_AUTO_TEST_SUITE_END()
