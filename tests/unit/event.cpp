// event.hpp: what handlers and threads set, and threads and event loops wait for.
#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <system_error>
#include <thread>
#include <vector>

#include <sigsafe/event.hpp>
#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/mutex.hpp>

#include <tests/support/arrivals.hpp>
#include <tests/support/backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/sanitizers.hpp>
#include <tests/support/signals.hpp>
#include <tests/support/sleeper.hpp>
#include <tests/support/syscalls.hpp>

namespace {

using namespace std::chrono_literals;
using sigsafe::counting_event;
using sigsafe::event;
using sigsafe::event_reset;
using test::child_end;
using test::in_child;

constinit event global;  // needs no constructor at run time
static_assert(sizeof(event) == 24);
static_assert(!std::is_copy_constructible_v<event> && !std::is_move_constructible_v<event>);

bool is_readable(int descriptor) {
  pollfd asked{descriptor, POLLIN, 0};
  return poll(&asked, 1, 0) == 1 && asked.revents == POLLIN;
}

/// A handler that sets an event.
template <class E>
struct setter {
  E* which;
  void operator()() const noexcept { which->set(); }
};

int open_descriptors() {
  int open = 0;
  for (int descriptor = 0; descriptor < 256; ++descriptor)
    if (fcntl(descriptor, F_GETFD) >= 0) ++open;
  return open;
}

void allow_descriptors(rlim_t most) {
  const rlimit limit{most, 256};
  CHILD_REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

/// What fd() throws when no descriptor is left.
int error_without_descriptors(event& which) {
  // UBSan wants a descriptor to look at the first error, and remembers its type.
  static_cast<void>(std::system_error(EDOM, std::generic_category()));
  allow_descriptors(0);
  try {
    static_cast<void>(which.fd());
  } catch (const std::system_error& error) {
    allow_descriptors(256);
    return error.code().value();
  }
  return 0;
}

void await_child(pid_t child) { CHILD_REQUIRE(test::status_of(child) == 0); }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(event_, test::clean_thread)

BOOST_AUTO_TEST_CASE(a_wait_takes_what_was_set_before) {
  event set_before;
  BOOST_TEST(!set_before.is_set());
  set_before.set();
  set_before.set();
  BOOST_TEST(set_before.is_set());
  set_before.wait();
  BOOST_TEST(!set_before.is_set());
  BOOST_TEST(!set_before.try_wait());
}

BOOST_AUTO_TEST_CASE(one_that_is_reset_by_hand_lets_every_wait_go_on) {
  event opened{event_reset::manual};
  opened.set();
  opened.wait();
  opened.wait();
  BOOST_TEST(opened.try_wait());
  BOOST_TEST(opened.is_set());
  BOOST_TEST(opened.reset());
  BOOST_TEST(!opened.reset());
  BOOST_TEST(!opened.try_wait());
}

BOOST_AUTO_TEST_CASE(a_timed_wait_ends_without_a_set) {
  event never;
  BOOST_TEST(!never.wait_for(1ms));
  BOOST_TEST(!never.wait_for(0s));
  BOOST_TEST(!never.wait_for(-1h));
  BOOST_TEST(!never.wait_for(std::chrono::nanoseconds::min()));
  BOOST_TEST(!never.wait_until(std::chrono::steady_clock::now() + 1ms));
  BOOST_TEST(!never.wait_until(std::chrono::system_clock::now() - 1h));
  BOOST_TEST(!never.wait_until(std::chrono::system_clock::time_point::min()));
}

BOOST_AUTO_TEST_CASE(a_timed_wait_takes_what_is_set_however_late_it_is) {
  event set_before;
  set_before.set();
  BOOST_TEST(set_before.wait_for(-1s));
  set_before.set();
  BOOST_TEST(set_before.wait_until(std::chrono::steady_clock::time_point::min()));
  BOOST_TEST(!set_before.is_set());
}

BOOST_AUTO_TEST_CASE(the_longest_times_end_with_a_set) {
  event woken;
  test::sleeper other{[&](test::sleeper& self) {
    self.begins();
    if (!woken.wait_for(std::chrono::hours::max())) return;
    if (!woken.wait_for(std::chrono::duration<double>::max())) return;
    static_cast<void>(woken.wait_until(std::chrono::steady_clock::time_point::max()));
  }};
  other.go();
  for (int i = 0; i < 3; ++i) {
    other.await_sleep();
    woken.set();
    while (woken.is_set()) sched_yield();
  }
}

BOOST_AUTO_TEST_CASE(a_thread_wakes_a_thread) {
  event woken, answered;
  std::thread other{[&] {
    for (int i = 0; i < 3000; ++i) {
      woken.wait();
      answered.set();
    }
  }};
  for (int i = 0; i < 3000; ++i) {
    woken.set();
    answered.wait();
  }
  other.join();
  BOOST_TEST(!woken.is_set());
}

BOOST_AUTO_TEST_CASE(a_set_wakes_every_sleeper_of_one_that_is_reset_by_hand) {
  event opened{event_reset::manual};
  std::atomic<int> passed{0};
  const auto pass = [&](test::sleeper& self) {
    self.begins();
    opened.wait();
    ++passed;
  };
  {
    test::sleeper one{pass}, two{pass}, three{pass};
    for (auto* each : {&one, &two, &three}) each->go_to_sleep();
    opened.set();
  }
  BOOST_TEST(passed.load() == 3);
}

BOOST_AUTO_TEST_CASE(one_set_lets_one_sleeper_go_on) {
  event gate;
  std::atomic<int> passed{0};
  const auto pass = [&](test::sleeper& self) {
    self.begins();
    gate.wait();
    ++passed;
  };
  test::sleeper one{pass}, two{pass};
  one.go_to_sleep();
  two.go_to_sleep();
  gate.set();
  while (passed.load() == 0) sched_yield();
  BOOST_TEST(!gate.try_wait());
  BOOST_TEST(passed.load() == 1);
  gate.set();
}

BOOST_AUTO_TEST_CASE(a_handler_of_the_waiting_thread_ends_the_wait) {
  BOOST_TEST(test::holds(in_child([] {
    const sigsafe::handler alarm{SIGALRM, setter<event>{&global}, {.restart = true}};
    for (int i = 0; i < 20; ++i) {
      const itimerval soon{{0, 0}, {0, 500}};
      setitimer(ITIMER_REAL, &soon, nullptr);
      global.wait();
    }
  })));
}

BOOST_AUTO_TEST_CASE(a_handler_on_another_thread_ends_the_wait) {
  BOOST_TEST(test::holds(in_child([] {
    event woken;
    const sigsafe::handler usr1{SIGUSR1, setter<event>{&woken}};
    test::sleeper other{[&](test::sleeper& self) {
      test::block({SIGUSR1});
      self.begins();
      woken.wait();
    }};
    other.go_to_sleep();
    raise(SIGUSR1);
  })));
}

BOOST_AUTO_TEST_CASE(handlers_that_do_not_set_it_do_not_end_the_wait) {
  BOOST_TEST(test::holds(in_child([] {
    event woken;
    std::atomic<bool> passed{false};
    const test::counter usr1{SIGUSR1};
    test::sleeper other{[&](test::sleeper& self) {
      self.begins();
      woken.wait();
      passed = true;
    }};
    other.go_to_sleep();
    for (int i = 1; i <= 3; ++i) {
      other.interrupt(SIGUSR1);
      while (usr1.runs() < i) sched_yield();
      other.await_sleep();
    }
    CHILD_REQUIRE(!passed.load());
    woken.set();
  })));
}

BOOST_AUTO_TEST_CASE(a_set_keeps_errno) {
  event described;
  static_cast<void>(described.fd());
  errno = EDOM;
  described.set();
  described.reset();
  BOOST_TEST(!described.wait_for(0s));
  BOOST_TEST(errno == EDOM);
}

BOOST_AUTO_TEST_CASE(its_descriptor_is_readable_while_it_is_set) {
  event described;
  const int fd = described.fd();
  BOOST_TEST(described.fd() == fd);
  BOOST_TEST(!is_readable(fd));
  described.set();
  BOOST_TEST(is_readable(fd));
  BOOST_TEST(is_readable(fd));
  described.set();
  BOOST_TEST(described.reset());
  BOOST_TEST(!is_readable(fd));
  described.set();
  described.wait();
  BOOST_TEST(!is_readable(fd));
}

BOOST_AUTO_TEST_CASE(the_descriptor_of_one_that_is_reset_by_hand_stays_readable_after_a_wait) {
  event described{event_reset::manual};
  const int fd = described.fd();
  described.set();
  described.wait();
  BOOST_TEST(is_readable(fd));
  described.reset();
  BOOST_TEST(!is_readable(fd));
}

BOOST_AUTO_TEST_CASE(what_was_set_before_the_first_descriptor_makes_it_readable) {
  event described;
  described.set();
  BOOST_TEST(is_readable(described.fd()));
}

BOOST_AUTO_TEST_CASE(a_hundred_thousand_sets_are_one_wake_up) {
  counting_event storm;
  const int fd = storm.fd();
  for (int i = 0; i < 100'000; ++i) storm.set();
  BOOST_TEST(is_readable(fd));
  BOOST_TEST(storm.reset() == 100'000U);
  BOOST_TEST(!is_readable(fd));
  BOOST_TEST(storm.reset() == 0U);
}

BOOST_AUTO_TEST_CASE(a_counting_one_counts_up_to_its_limit_and_stays_there) {
  counting_event full;
  full.set();
  BOOST_TEST(full.wait() == 1U);
  full.set();
  full.set();
  BOOST_TEST(full.is_set());
  BOOST_TEST(full.wait_for(0s) == 2U);
  BOOST_TEST(full.wait_for(0s) == 0U);
  BOOST_TEST(full.wait_until(std::chrono::steady_clock::now()) == 0U);
  sigsafe::detail::event_state nearly;
  nearly.word = UINT32_MAX - 1;
  nearly.add(UINT32_MAX);
  nearly.add(UINT32_MAX);
  BOOST_TEST(sigsafe::detail::take_event(nearly) == UINT32_MAX);
}

BOOST_AUTO_TEST_CASE(sets_of_many_threads_are_all_counted) {
  constexpr int threads = 3, turns = 50;
  counting_event counted;
  const int fd = counted.fd();
  std::atomic<bool> done{false};
  std::atomic<unsigned> sets{0};
  std::vector<std::thread> setting;
  for (int i = 0; i < threads; ++i)
    setting.emplace_back([&] {
      for (; !done; ++sets) counted.set();
    });
  unsigned all = 0;
  // Sets go on while one turn after the other takes them.
  for (int i = 0; i < turns; ++i) {
    pollfd asked{fd, POLLIN, 0};
    poll(&asked, 1, -1);
    all += counted.reset();
  }
  done = true;
  for (auto& each : setting) each.join();
  all += counted.reset();
  BOOST_TEST(all == sets.load());
  BOOST_TEST(!counted.is_set());
}

BOOST_AUTO_TEST_CASE(real_time_signals_through_epoll_come_in_order_and_none_is_lost) {
  if (test::under_thread_sanitizer) return;  // it keeps only one signal of a number
  BOOST_TEST(test::holds(in_child([] {
    constexpr int most = 2000;
    static std::atomic<int> values[most];
    static std::atomic<int> size{0};
    event arrived;
    const sigsafe::handler queued{SIGRTMIN, [&](const sigsafe::signal_info& info) noexcept {
                                    values[size.load()] = info.value()->sival_int;
                                    ++size;
                                    arrived.set();
                                  }};
    const int loop = epoll_create1(EPOLL_CLOEXEC);
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    CHILD_REQUIRE(epoll_ctl(loop, EPOLL_CTL_ADD, arrived.fd(), &wanted) == 0);
    const pid_t loops = getpid();
    const pid_t sender = fork();
    if (sender == 0) {
      sigval value{};
      for (; value.sival_int < most; ++value.sival_int)
        while (sigqueue(loops, SIGRTMIN, value) != 0) sched_yield();
      _exit(0);
    }
    int seen = 0;
    while (seen < most) {
      epoll_event ready;
      if (epoll_wait(loop, &ready, 1, -1) != 1) continue;  // interrupted
      arrived.reset();
      for (; seen < size.load(); ++seen) CHILD_REQUIRE(values[seen] == seen);
    }
    await_child(sender);
    close(loop);
  })));
}

BOOST_AUTO_TEST_CASE(a_child_of_a_fork_does_not_wake_its_parent) {
  BOOST_TEST(test::holds(in_child([] {
    event shared;
    const int fd = shared.fd();
    const pid_t child = fork();
    if (child == 0) {
      shared.set();
      CHILD_REQUIRE(!is_readable(fd));
      shared.wait();
      // Its own descriptor comes later, and tells of what was set before.
      shared.set();
      const int own = shared.fd();
      CHILD_REQUIRE(own != fd && is_readable(own) && !is_readable(fd));
      CHILD_REQUIRE(shared.reset() && !is_readable(own));
      _exit(0);
    }
    await_child(child);
    CHILD_REQUIRE(!is_readable(fd) && !shared.is_set());
    shared.set();
    CHILD_REQUIRE(is_readable(fd));
  })));
}

BOOST_AUTO_TEST_CASE(a_child_does_not_drain_or_close_its_parents_descriptor) {
  BOOST_TEST(test::holds(in_child([] {
    auto* const shared = new event;
    const int fd = shared->fd();
    shared->set();
    const pid_t child = fork();
    if (child == 0) {
      CHILD_REQUIRE(shared->reset());
      delete shared;
      CHILD_REQUIRE(is_readable(fd));
      _exit(0);
    }
    await_child(child);
    CHILD_REQUIRE(is_readable(fd) && shared->is_set());
    delete shared;
    CHILD_REQUIRE(fcntl(fd, F_GETFD) < 0);
  })));
}

BOOST_AUTO_TEST_CASE(a_child_may_destroy_what_a_thread_of_its_parent_waits_for) {
  BOOST_TEST(test::holds(in_child([] {
    event waited;
    test::sleeper other{[&](test::sleeper& self) {
      self.begins();
      waited.wait();
    }};
    other.go_to_sleep();
    const pid_t child = fork();
    if (child == 0) {
      waited.~event();
      _exit(0);
    }
    await_child(child);
    waited.set();
  })));
}

BOOST_AUTO_TEST_CASE(without_a_descriptor_left_fd_throws_and_nothing_has_changed) {
  BOOST_TEST(test::holds(in_child([] {
    event described;
    described.set();
    const int before = open_descriptors();
    CHILD_REQUIRE(error_without_descriptors(described) == EMFILE);
    CHILD_REQUIRE(error_without_descriptors(described) == EMFILE);
    CHILD_REQUIRE(described.is_set());
    CHILD_REQUIRE(described.try_wait());
    described.set();
    CHILD_REQUIRE(open_descriptors() == before);
    CHILD_REQUIRE(is_readable(described.fd()));
    CHILD_REQUIRE(open_descriptors() == before + 1);
  })));
}

BOOST_AUTO_TEST_CASE(threads_that_ask_at_once_get_the_same_descriptor) {
  BOOST_TEST(test::holds(in_child([] {
    const int before = open_descriptors();
    for (int round = 0; round < 200; ++round) {
      event described;
      std::atomic<int> waiting{2};
      int other = -1;
      std::thread asks{[&] {
        for (--waiting; waiting != 0;) {}
        other = described.fd();
      }};
      for (--waiting; waiting != 0;) {}
      const int mine = described.fd();
      described.set();
      asks.join();
      CHILD_REQUIRE(mine == other && is_readable(mine));
    }
    CHILD_REQUIRE(open_descriptors() == before);
  })));
}

BOOST_AUTO_TEST_CASE(one_that_is_destroyed_while_a_thread_waits_panics) {
  BOOST_TEST(test::panics(in_child([] {
                            auto* const waited = new event;
                            test::sleeper other{[&](test::sleeper& self) {
                              self.begins();
                              waited->wait();
                            }};
                            other.go_to_sleep();
                            delete waited;
                          }),
                          "destroyed while a thread waits"));
}

BOOST_AUTO_TEST_CASE(exit_destroys_one_that_a_thread_waits_for_without_a_word) {
  const child_end end = in_child([] {
    static event waited;
    test::sleeper other{[&](test::sleeper& self) {
      self.begins();
      waited.wait();
    }};
    other.go_to_sleep();
    std::exit(0);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(a_wait_inside_a_handler_panics_and_names_the_place) {
  constexpr unsigned line = __LINE__ + 2;
  const child_end end = in_child([] {
    const sigsafe::handler usr1{SIGUSR1, []() noexcept { global.wait(); }};
    raise(SIGUSR1);
  });
  BOOST_TEST(test::panics(
      end, "event.cpp:" + std::to_string(line) + ": wait inside a handler would never wake"));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_wait_with_a_hold_panics, B, test::hosted_backends) {
  const std::string expected = "waiting with a hold would hold off the handlers";
  BOOST_TEST(test::panics(in_child([] {
                            const sigsafe::basic_guard<B> off;
                            global.wait();
                          }),
                          expected));
  BOOST_TEST(test::panics(in_child([] {
                            sigsafe::mutex<int, sigsafe::default_raw_lock, B> shared{0};
                            const auto locked = shared.lock();
                            static_cast<void>(global.wait_for(0s));
                          }),
                          expected));
}

BOOST_AUTO_TEST_CASE(a_set_makes_no_system_call_when_nobody_waits) {
  BOOST_TEST(test::count_system_calls([] {
               global.set();
               global.set();
               global.wait();
               global.reset();
               static_cast<void>(global.is_set());
             }) == 0);
}

BOOST_AUTO_TEST_CASE(a_set_after_a_wait_that_timed_out_makes_no_system_call) {
  const auto prepare = [] {
    static_cast<void>(global.wait_for(1ms));
    return 0;
  };
  BOOST_TEST(test::count_system_calls(prepare, [](int) { global.set(); }) == 0);
}

BOOST_AUTO_TEST_CASE(ten_thousand_sets_with_a_descriptor_are_one_system_call) {
  const auto prepare = [] { return global.fd(); };
  BOOST_TEST(test::count_system_calls(prepare, [](int) {
               for (int i = 0; i < 10'000; ++i) global.set();
             }) == 1);
}

BOOST_AUTO_TEST_CASE(a_reset_with_a_descriptor_is_one_system_call) {
  const auto prepare = [] {
    const int fd = global.fd();
    global.set();
    return fd;
  };
  BOOST_TEST(test::count_system_calls(prepare, [](int) { global.reset(); }) == 1);
}

BOOST_AUTO_TEST_SUITE_END()
