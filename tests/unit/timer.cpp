// timer.hpp
#include <boost/test/unit_test.hpp>

#include <sigsafe/timer.hpp>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <ratio>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>

#include <tests/support/backends.hpp>
#include <tests/support/errors.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/sanitizers.hpp>
#include <tests/support/signals.hpp>

namespace {

using namespace std::chrono_literals;
using sigsafe::deadline_timer;
using sigsafe::interval_timer;
using sigsafe::timer_options;
using test::check_in_child;
using test::error_of;
using steady = std::chrono::steady_clock;
constexpr auto never = 1h;

/// What a timer's function saw.
struct record {
  std::atomic<std::uint64_t> calls{0}, elapsed{0};
  std::atomic<pid_t> thread{0};
};
struct note {
  record* into;
  void operator()(std::uint64_t elapsed) const noexcept {
    into->thread = test::own_thread();
    into->elapsed += elapsed;
    ++into->calls;
  }
};

/// Sleeps, and lets handlers run, until the condition holds.
template <class Condition>
void await(Condition condition) {
  sigsafe::guard off;
  while (!condition()) off.wait_for(100ms);
}

/// Time passes, and no handler runs before it has.
void busy(steady::duration time) {
  const auto end = steady::now() + time;
  while (steady::now() < end) {}
}

struct sigaction action_of(int signal) {
  struct sigaction action;
  CHILD_REQUIRE(sigaction(signal, nullptr, &action) == 0);
  return action;
}

bool starts_with(const std::string& text, const char* beginning) {
  dprintf(STDERR_FILENO, "%s\n", text.c_str());
  return text.starts_with(beginning);
}

/// No timer of this process is left.
bool has_no_timers() {
  const std::unique_ptr<FILE, int (*)(FILE*)> file{fopen("/proc/self/timers", "r"), &fclose};
  return file == nullptr || fgetc(file.get()) == EOF;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(timer)

BOOST_AUTO_TEST_CASE(an_interval_timer_fires_until_it_is_destroyed) {
  check_in_child([] {
    record seen;
    {
      const interval_timer tick{1ms, note{&seen}};
      CHILD_REQUIRE(tick.is_running());
      await([&] { return seen.calls >= 3; });
    }
    const std::uint64_t calls = seen.calls;
    busy(5ms);
    CHILD_REQUIRE(seen.calls == calls);
    CHILD_REQUIRE(has_no_timers());
  });
}

BOOST_AUTO_TEST_CASE(a_deadline_timer_fires_once) {
  check_in_child([] {
    std::atomic<int> calls{0};
    deadline_timer timer{1ms, [&]() noexcept { ++calls; }};
    await([&] { return calls == 1; });
    CHILD_REQUIRE(!timer.is_running() && timer.remaining<std::chrono::seconds>() == 0s);
    busy(3ms);
    CHILD_REQUIRE(calls == 1);
    timer.start(1ms);
    await([&] { return calls == 2; });
    timer.start(-1h);  // over already
    await([&] { return calls == 3; });
    timer.start_until(steady::now() + 1ms);
    await([&] { return calls == 4; });
    timer.start_until(std::chrono::system_clock::now() - 1s);
    await([&] { return calls == 5; });
  });
}

BOOST_AUTO_TEST_CASE(the_first_call_may_come_at_another_time_than_the_others) {
  check_in_child([] {
    record seen;
    interval_timer tick{note{&seen}};
    tick.start(1ms, never);
    CHILD_REQUIRE(tick.remaining<std::chrono::minutes>() > 59min);
    tick.start(never, -1s);
    await([&] { return seen.calls == 1; });
    CHILD_REQUIRE(tick.remaining<std::chrono::minutes>() > 58min);
  });
}

BOOST_AUTO_TEST_CASE(a_deadline_may_be_a_time_of_day) {
  check_in_child([] {
    record seen;
    deadline_timer timer{note{&seen}, {.clock = sigsafe::timer_clock::realtime}};
    timer.start_until(std::chrono::system_clock::now() + 1h);
    const auto left = timer.remaining<std::chrono::seconds>();
    CHILD_REQUIRE(left > 59min && left <= 1h);
    timer.start_until(std::chrono::system_clock::now() + 1ms);
    await([&] { return seen.calls == 1; });
  });
}

BOOST_AUTO_TEST_CASE(without_a_time_it_does_not_run) {
  check_in_child([] {
    record seen;
    interval_timer tick{note{&seen}};
    deadline_timer once{note{&seen}};
    CHILD_REQUIRE(!tick.is_running() && !once.is_running());
    CHILD_REQUIRE(tick.remaining<std::chrono::nanoseconds>() == 0ns);
    tick.start(never);
    const auto left = tick.remaining<std::chrono::duration<double>>();
    CHILD_REQUIRE(left > 59min && left <= never);
    CHILD_REQUIRE(tick.remaining<std::chrono::hours>() == 1h);  // rounded up
    CHILD_REQUIRE(tick.is_running());
    tick.stop();
    CHILD_REQUIRE(!tick.is_running() && tick.remaining<std::chrono::hours>() == 0h);
    CHILD_REQUIRE(seen.calls == 0);
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_a_guard_holds_off_is_one_call_that_knows_how_many, B,
                              test::hosted_backends) {
  check_in_child([] {
    record seen;
    const auto before = steady::now();
    const interval_timer tick{1ms, note{&seen}};
    const auto after = steady::now();
    std::optional<sigsafe::basic_guard<B>> off{std::in_place};
    const std::uint64_t calls = seen.calls;
    busy(20ms);
    const auto end = steady::now();
    CHILD_REQUIRE(seen.calls == calls);
    off.reset();
    const auto released = steady::now();
    CHILD_REQUIRE(seen.calls >= calls + 1);
    const std::uint64_t elapsed = seen.elapsed;
    CHILD_REQUIRE(elapsed >= static_cast<std::uint64_t>((end - after) / 1ms));
    CHILD_REQUIRE(seen.calls - calls <= 1 + static_cast<std::uint64_t>((released - end) / 1ms) + 1);
    // As many as there were, as long as it runs.
    await([&] { return seen.calls >= calls + 5; });
    const std::uint64_t told = seen.elapsed;
    CHILD_REQUIRE(told <= static_cast<std::uint64_t>((steady::now() - before) / 1ms));
  });
}

BOOST_AUTO_TEST_CASE(what_was_on_its_way_before_a_stop_or_a_start_is_dropped) {
  check_in_child([] {
    record seen;
    interval_timer tick{note{&seen}};
    deadline_timer once{note{&seen}};
    for (const bool lazily : {false, true})
      for (const bool again : {false, true}) {
        {
          std::optional<sigsafe::guard> eager;
          std::optional<sigsafe::lazy::guard> lazy;
          if (lazily)
            lazy.emplace();
          else
            eager.emplace();
          once.start(1ms);
          busy(5ms);  // a lazy guard defers the first one
          tick.start(1ms);
          busy(5ms);
          if (again) {
            tick.start(never);
            once.start(never);
          } else {
            tick.stop();
            once.stop();
          }
        }
        CHILD_REQUIRE(seen.calls == 0);
        CHILD_REQUIRE(tick.is_running() == again && once.is_running() == again);
      }
    tick.stop();
    once.stop();
    {
      const sigsafe::lazy::guard held;
      tick.start(1ms);
      busy(5ms);
      tick.start(never);
    }
    CHILD_REQUIRE(seen.calls == 0);
    {
      const sigsafe::lazy::guard held;
      tick.start(1ms);
      busy(5ms);
      tick.stop();
    }
    CHILD_REQUIRE(seen.calls == 0);
  });
}

BOOST_AUTO_TEST_CASE(no_signal_comes_after_the_end_and_one_that_is_pending_does_not_kill) {
  for (const int signal : {0, SIGALRM})
    check_in_child([=] {
      record seen;
      {
        const sigsafe::lazy::guard lazy;
        const interval_timer tick{1ms, note{&seen}, {.signal = signal}};
        busy(5ms);
      }
      test::block(sigsafe::signal_set::maskable());
      {
        const interval_timer tick{1ms, note{&seen}, {.signal = signal}};
        busy(5ms);
      }
      test::unblock(sigsafe::signal_set::maskable());
      raise(signal == 0 ? sigsafe::timer_signal() : signal);
      CHILD_REQUIRE(seen.calls == 0);
      CHILD_REQUIRE(sigsafe::signal_set::pending().empty());
      CHILD_REQUIRE(has_no_timers());
    });
}

BOOST_AUTO_TEST_CASE(timers_that_share_a_signal_are_called_for_their_own) {
  if (test::under_thread_sanitizer) return;  // it keeps one of each number
  for (const int signal : {0, SIGALRM})
    check_in_child([=] {
      std::list<record> seen;
      const timer_options options{.signal = signal};
      std::list<deadline_timer<note>> timers;
      for (int i = 0; i < 20; ++i)
        timers.emplace_back(i < 10 ? steady::duration{1ms} : never, note{&seen.emplace_back()},
                            options);
      {
        const sigsafe::guard off;  // all of them are pending at once
        busy(5ms);
      }
      int index = 0;
      await([&] { return std::next(seen.begin(), 9)->calls == 1; });
      for (const record& each : seen) CHILD_REQUIRE(each.calls == (index++ < 10 ? 1 : 0));
      const sigsafe::handler other{signal == 0 ? sigsafe::timer_signal() : signal,
                                   []() noexcept {}};
      raise(other.number());  // which is no timer's
      index = 0;
      for (const record& each : seen) CHILD_REQUIRE(each.calls == (index++ < 10 ? 1 : 0));
    });
}

BOOST_AUTO_TEST_CASE(it_can_name_the_thread_that_it_runs_on) {
  if (test::under_thread_sanitizer) return;
  check_in_child([] {
    record seen;
    std::atomic<bool> stop{false};
    std::atomic<pid_t> other{0};
    std::optional<interval_timer<note>> tick;
    std::thread thread{[&] {
      const timer_options mine{.thread = sigsafe::thread_id::current()};
      tick.emplace(1ms, note{&seen}, mine);
      other = test::own_thread();
      await([&] { return stop.load(); });
    }};
    await([&] { return seen.calls >= 5; });
    CHILD_REQUIRE(seen.thread == other);
    stop = true;
    kill(getpid(), SIGWINCH);
    thread.join();
    tick.reset();
  });
}

BOOST_AUTO_TEST_CASE(a_function_may_start_and_stop_its_timer) {
  check_in_child([] {
    static std::atomic<int> calls{0};
    struct again;
    static std::optional<deadline_timer<void (*)() noexcept>> timer;
    timer.emplace(
        1ms, +[]() noexcept {
          if (++calls < 5) timer->start(1ms);
        });
    await([] { return calls == 5; });
    CHILD_REQUIRE(!timer->is_running());
    timer.reset();
  });
}

BOOST_AUTO_TEST_CASE(it_can_set_an_event) {
  if (test::under_thread_sanitizer) return;  // it delivers late
  check_in_child([] {
    struct event {
      std::atomic<int> sets{0};
      void set() noexcept { ++sets; }
    };
    struct counting_event : event {
      std::atomic<std::uint64_t> times{0};
      void set() noexcept { ++times; }
      void set(std::uint64_t more) noexcept { times += more; }
    };
    event plain;
    counting_event counting;
    const interval_timer tick{1ms, plain};
    const deadline_timer once{1ms, plain};
    std::optional<interval_timer<sigsafe::detail::setter<counting_event>>> count;
    {
      const sigsafe::guard off;
      count.emplace(1ms, counting);
      busy(10ms);
    }
    CHILD_REQUIRE(counting.times >= 9);
    await([&] { return plain.sets >= 3; });
  });
}

BOOST_AUTO_TEST_CASE(it_wakes_a_guard_on_any_thread) {
  check_in_child([] {
    std::atomic<bool> over{false};
    const deadline_timer timer{1ms, [&]() noexcept { over = true; }};
    sigsafe::lazy::guard off;
    while (!over) off.wait();
  });
}

BOOST_AUTO_TEST_CASE(it_measures_what_is_computed) {
  check_in_child([] {
    for (const auto clock : {sigsafe::timer_clock::process_cpu, sigsafe::timer_clock::thread_cpu,
                             sigsafe::timer_clock::boottime}) {
      record seen;
      const interval_timer tick{5ms, note{&seen}, {.clock = clock}};
      while (seen.calls < 2) {}
    }
  });
}

BOOST_AUTO_TEST_CASE(it_stands_still_when_the_thread_that_it_measures_has_ended) {
  check_in_child([] {
    record seen;
    std::optional<interval_timer<note>> tick;
    pid_t measured = 0;
    std::thread{[&] {
      measured = test::own_thread();
      tick.emplace(never, note{&seen}, timer_options{.clock = sigsafe::timer_clock::thread_cpu});
    }}.join();
    // A join returns before the kernel has quite forgotten the thread.
    await([&] { return syscall(SYS_tgkill, getpid(), measured, 0) != 0; });
    tick->stop();
    CHILD_REQUIRE(!tick->is_running());
    tick->start(1ms);
    CHILD_REQUIRE(tick->remaining<std::chrono::nanoseconds>() == 0ns);
    tick.reset();
    CHILD_REQUIRE(seen.calls == 0 && has_no_timers());
  });
}

// sigsafe does not hold such handlers off in a lazy guard: they must not meet the timer's lock.
BOOST_AUTO_TEST_CASE(a_foreign_handler_may_start_and_stop_a_timer) {
  check_in_child([] {
    static record seen;
    static std::optional<deadline_timer<note>> timer;
    static std::atomic<int> calls{0};
    timer.emplace(note{&seen});
    struct sigaction action{};
    action.sa_handler = [](int) {
      timer->stop();
      timer->start(never);
      ++calls;
    };
    CHILD_REQUIRE(sigaction(SIGUSR1, &action, nullptr) == 0);
    std::atomic<bool> over{false};
    const pthread_t here = pthread_self();
    std::thread sender{[&] {
      while (!over) {
        const int before = calls;
        pthread_kill(here, SIGUSR1);
        while (calls == before && !over) sched_yield();
      }
    }};
    while (calls < 200) timer->start(never);
    over = true;
    sender.join();
    CHILD_REQUIRE(timer->is_running() && seen.calls == 0);
    timer.reset();
  });
}

BOOST_AUTO_TEST_CASE(a_child_has_no_timers_and_can_start_one) {
  check_in_child([] {
    record seen;
    interval_timer tick{1ms, note{&seen}};
    std::optional<interval_timer<note>> other{std::in_place, never, note{&seen}};
    await([&] { return seen.calls >= 1; });
    const pid_t child = fork();
    if (child == 0) {
      const std::uint64_t before = seen.calls;
      CHILD_REQUIRE(!tick.is_running() && tick.remaining<std::chrono::hours>() == 0h);
      busy(5ms);
      CHILD_REQUIRE(seen.calls == before);
      tick.stop();
      tick.start(1ms);  // may get the number that the other one had in the parent
      other.reset();    // which must not remove this one
      await([&] { return seen.calls >= before + 3; });
      _exit(0);
    }
    CHILD_REQUIRE(test::status_of(child) == 0);
    const std::uint64_t calls = seen.calls;
    await([&] { return seen.calls > calls; });
  });
}

BOOST_AUTO_TEST_CASE(no_room_for_a_timer_is_an_error_that_says_what_to_do) {
  if (test::under_thread_sanitizer) return;
  const test::child_end end = test::in_child([] {
    const rlimit none{0, 0};
    CHILD_REQUIRE(setrlimit(RLIMIT_SIGPENDING, &none) == 0);
    record seen;
    const std::string text = error_of([&] { const interval_timer tick{1ms, note{&seen}}; },
                                      std::errc::resource_unavailable_try_again);
    CHILD_REQUIRE(starts_with(text, "sigsafe: there is no room for a timer: what is queued"));
    CHILD_REQUIRE(text.find("RLIMIT_SIGPENDING") != std::string::npos);
    CHILD_REQUIRE(action_of(sigsafe::timer_signal()).sa_handler == SIG_DFL);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_is_refused_and_nothing_is_left_behind) {
  check_in_child([] {
    record seen;
    const auto make = [&](auto interval, timer_options options) {
      return [=, &seen] { const interval_timer tick{interval, note{&seen}, options}; };
    };
    constexpr auto invalid = std::errc::invalid_argument;
    CHILD_REQUIRE(starts_with(error_of(make(0s, {}), invalid),
                              "sigsafe: the interval of a timer must be longer than 0"));
    CHILD_REQUIRE(starts_with(error_of(make(-1s, {}), invalid), "sigsafe: the interval"));
    CHILD_REQUIRE(starts_with(error_of(make(1s, {.signal = SIGKILL}), invalid),
                              "sigsafe: cannot handle signal 9 (SIGKILL)"));
    CHILD_REQUIRE(starts_with(error_of(make(1s, {.signal = SIGSEGV}), invalid),
                              "sigsafe: cannot handle signal 11 (SIGSEGV): a timer cannot use it"));
    CHILD_REQUIRE(starts_with(error_of(make(1s, {.signal = 65}), invalid),
                              "sigsafe: cannot handle signal 65"));
    CHILD_REQUIRE(
        starts_with(error_of(make(1s, {.clock = sigsafe::timer_clock::realtime}), invalid),
                    "sigsafe: an interval_timer cannot follow timer_clock::realtime"));
    sigsafe::thread_id gone;
    std::thread{[&] { gone = sigsafe::thread_id::current(); }}.join();
    CHILD_REQUIRE(
        starts_with(error_of(make(1s, {.thread = gone}), invalid), "sigsafe: a timer's .thread, "));
    CHILD_REQUIRE(has_no_timers());
    CHILD_REQUIRE(action_of(SIGRTMAX - 4).sa_handler == SIG_DFL);
    signal(sigsafe::timer_signal(), [](int) {});
    CHILD_REQUIRE(starts_with(
        error_of(make(1s, {}), std::errc::device_or_resource_busy),
        ("sigsafe: timers use signal " + std::to_string(SIGRTMAX - 4) + " (SIGRTMIN+").c_str()));
    CHILD_REQUIRE(has_no_timers());
  });
}

BOOST_AUTO_TEST_CASE(durations_of_every_kind_are_taken) {
  check_in_child([] {
    record seen;
    interval_timer tick{std::chrono::duration<double, std::milli>{0.5}, note{&seen}};
    await([&] { return seen.calls >= 2; });
    tick.start(std::chrono::years{400});
    CHILD_REQUIRE(tick.remaining<std::chrono::years>() >= std::chrono::years{60});
    CHILD_REQUIRE((tick.remaining<std::chrono::duration<signed char>>().count() == 127));
    CHILD_REQUIRE((tick.remaining<std::chrono::duration<std::int64_t, std::pico>>().count() > 0));
    tick.start(std::chrono::nanoseconds::max());
    CHILD_REQUIRE(tick.is_running());
  });
}

struct counted_event {
  std::atomic<std::uint64_t> times{0};
  void set(std::uint64_t more = 1) noexcept { times += more; }
};

class beating {
 public:
  [[nodiscard]] std::uint64_t beats() const noexcept { return beats_.times; }

 private:
  counted_event beats_;
  sigsafe::interval_timer<sigsafe::setter<counted_event>> beat_{1ms, beats_};
  sigsafe::deadline_timer<sigsafe::setter<counted_event>> last_{beats_};
};

BOOST_AUTO_TEST_CASE(one_that_sets_an_event_is_a_member) {
  check_in_child([] {
    const beating heart;
    await([&] { return heart.beats() >= 2; });
  });
}

BOOST_AUTO_TEST_CASE(many_threads_start_and_stop_it) {
  check_in_child([] {
    record seen;
    interval_timer tick{note{&seen}};
    std::list<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        for (int round = 0; round < 200; ++round) {
          tick.start(200us);
          if (round % 7 == 0) tick.stop();
        }
      });
    for (std::thread& each : threads) each.join();
    tick.stop();
    const std::uint64_t calls = seen.calls;
    busy(2ms);
    CHILD_REQUIRE(seen.calls == calls);
  });
}

BOOST_AUTO_TEST_SUITE_END()
