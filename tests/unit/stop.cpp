// stop.hpp
#include <boost/test/unit_test.hpp>

#include <sigsafe/stop.hpp>

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/mutex.hpp>

#include <tests/support/arrivals.hpp>
#include <tests/support/backends.hpp>
#include <tests/support/errors.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/sanitizers.hpp>
#include <tests/support/signals.hpp>

namespace {

using namespace std::chrono_literals;
using sigsafe::signal_set;
using sigsafe::stop_signal;
using test::check_in_child;
using test::check_kills;
using test::error_of;

void send_to_process(int signal) { CHILD_REQUIRE(kill(getpid(), signal) == 0); }

/// Fails soon when nothing comes, instead of at the end of the watchdog's patience.
void await(const stop_signal& stop) {
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (!stop.requested()) {
    CHILD_REQUIRE(std::chrono::steady_clock::now() < end);
    sched_yield();
  }
}

/// Hangs, whatever comes, until the process is killed; for so long that nobody would wait for it.
void hang() {
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (std::chrono::steady_clock::now() < end) poll(nullptr, 0, 100);
  const bool killed = false;
  CHILD_REQUIRE(killed);
}

/// Hangs, once something has been asked for, until it is killed.
void hang_in_two_signals(const stop_signal& stop, int second) {
  send_to_process(SIGTERM);
  await(stop);
  CHILD_REQUIRE(stop.number() == SIGTERM);
  send_to_process(second);
  hang();
}

struct sigaction action_of(int signal) {
  struct sigaction action;
  CHILD_REQUIRE(sigaction(signal, nullptr, &action) == 0);
  return action;
}

/// The kernel lists a thread for a moment after it was joined.
bool has_threads(std::ptrdiff_t number) {
  if (test::under_thread_sanitizer) return true;  // it has one of its own
  const auto end = std::chrono::steady_clock::now() + 5s;
  for (;;) {
    const std::filesystem::directory_iterator threads{"/proc/self/task"};
    if (std::distance(begin(threads), {}) == number) return true;
    if (std::chrono::steady_clock::now() > end) return false;
    sched_yield();
  }
}

struct counting_event {
  std::atomic<int> sets{0};
  void set() noexcept { ++sets; }
};

std::atomic<int> foreign_calls{0};

}  // namespace

BOOST_AUTO_TEST_SUITE(stop)

BOOST_AUTO_TEST_CASE(the_first_signal_asks_and_says_which_it_was) {
  check_in_child([] {
    const stop_signal stop{{SIGINT, SIGTERM}};
    CHILD_REQUIRE(!stop.requested() && !stop && stop.number() == 0);
    CHILD_REQUIRE(stop.signals() == signal_set({SIGINT, SIGTERM}));
    raise(SIGINT);
    CHILD_REQUIRE(stop.requested() && stop && stop.number() == SIGINT);
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(every_wait_comes_back, B, test::hosted_backends) {
  check_in_child([] {
    const stop_signal stop{{SIGTERM}};
    std::thread other{[&] {
      sigsafe::basic_guard<B> off;
      while (!stop.requested()) off.wait();
    }};
    send_to_process(SIGTERM);
    sigsafe::basic_guard<B> off;
    while (!stop.requested()) off.wait();
    other.join();
  });
}

BOOST_AUTO_TEST_CASE(the_second_signal_kills_at_once) {
  check_kills(SIGTERM, [] {
    const stop_signal stop{{SIGINT, SIGTERM}};
    raise(SIGINT);
    raise(SIGTERM);
  });
  check_kills(SIGINT, [] {
    const stop_signal stop{{SIGINT, SIGTERM}};
    raise(SIGINT);
    raise(SIGINT);
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_kills_a_program_that_hangs_in_a_guard, B, test::hosted_backends) {
  check_kills(SIGINT, [] {
    const stop_signal stop{{SIGINT, SIGTERM}};
    const sigsafe::basic_guard<B> off;
    hang_in_two_signals(stop, SIGINT);
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_kills_a_program_that_hangs_in_locks, B, test::hosted_backends) {
  if (test::under_thread_sanitizer) return;  // who waits for a std::mutex gets no signals from it
  check_kills(SIGTERM, [] {
    const stop_signal stop{{SIGINT, SIGTERM}};
    sigsafe::raw_mutex<sigsafe::futex_lock, B> outer;
    std::mutex inner;
    inner.lock();
    std::thread other{[&] {
      await(stop);
      send_to_process(SIGTERM);
    }};
    const std::lock_guard held{outer};
    send_to_process(SIGTERM);
    inner.lock();
  });
}

BOOST_AUTO_TEST_CASE(it_kills_a_program_that_hangs_in_a_handler) {
  check_kills(SIGTERM, [] {
    const stop_signal stop{{SIGTERM}};
    const sigsafe::handler usr1{SIGUSR1, [&]() noexcept { hang_in_two_signals(stop, SIGTERM); }};
    raise(SIGUSR1);
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_deadline_kills_by_the_first_signal, B, test::hosted_backends) {
  check_kills(SIGTERM, [] {
    const stop_signal stop{{SIGINT, SIGTERM}, {.deadline = 5ms}};
    const sigsafe::basic_guard<B> off;
    send_to_process(SIGTERM);
    hang();
  });
}

BOOST_AUTO_TEST_CASE(a_deadline_that_is_over_kills_at_once) {
  check_kills(SIGTERM, [] {
    const stop_signal stop{{SIGTERM}, {.deadline = -1s}};
    raise(SIGTERM);
    hang();
  });
}

BOOST_AUTO_TEST_CASE(a_deadline_that_is_kept_kills_nobody) {
  check_in_child([] {
    {
      const stop_signal stop{{SIGTERM}, {.deadline = 1h}};
      raise(SIGTERM);
      CHILD_REQUIRE(stop.requested());
    }
    CHILD_REQUIRE(has_threads(1));
    CHILD_REQUIRE(action_of(SIGTERM).sa_handler == SIG_DFL);
  });
}

BOOST_AUTO_TEST_CASE(without_a_signal_there_is_no_deadline) {
  check_in_child([] {
    const stop_signal stop{{SIGTERM}, {.deadline = 1ms}};
    sigsafe::guard off;
    off.wait_for(20ms);
    CHILD_REQUIRE(!stop.requested());
  });
}

BOOST_AUTO_TEST_CASE(where_the_default_action_does_not_kill_it_exits) {
  const auto exits_with = [](int status, auto function) {
    const test::child_end end = test::in_child(function);
    BOOST_CHECK_MESSAGE(!end.hung && WIFEXITED(end.status) && WEXITSTATUS(end.status) == status,
                        end);
  };
  exits_with(128 + SIGWINCH, [] {
    const stop_signal stop{{SIGWINCH}};
    raise(SIGWINCH);
    raise(SIGWINCH);
  });
  // The first process of a namespace.
  exits_with(128 + SIGTERM, [] {
    if (unshare(CLONE_NEWPID) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0)
      _exit(128 + SIGTERM);  // cannot be tried here
    const pid_t first = fork();
    if (first == 0) {
      CHILD_REQUIRE(getpid() == 1);
      const stop_signal stop{{SIGTERM}};
      const sigsafe::guard off;
      hang_in_two_signals(stop, SIGTERM);
    }
    const int status = test::status_of(first);
    CHILD_REQUIRE(WIFEXITED(status));
    _exit(WEXITSTATUS(status));
  });
}

BOOST_AUTO_TEST_CASE(what_nohup_ignores_stays_ignored) {
  check_in_child([] {
    signal(SIGINT, SIG_IGN);
    const stop_signal stop{{SIGINT, SIGTERM}};
    raise(SIGINT);
    raise(SIGINT);
    CHILD_REQUIRE(!stop.requested());
    raise(SIGTERM);
    CHILD_REQUIRE(stop.number() == SIGTERM);
  });
}

BOOST_AUTO_TEST_CASE(a_daemon_may_want_to_be_stopped_by_what_is_ignored) {
  check_in_child([] {
    signal(SIGTERM, SIG_IGN);
    {
      const stop_signal stop{{SIGTERM}, {.respect_ignored = false}};
      raise(SIGTERM);
      CHILD_REQUIRE(stop.number() == SIGTERM);
    }
    CHILD_REQUIRE(action_of(SIGTERM).sa_handler == SIG_IGN);
  });
}

BOOST_AUTO_TEST_CASE(what_the_program_blocks_is_taken_nevertheless) {
  check_in_child([] {
    test::block({SIGTERM});
    const stop_signal stop{{SIGTERM}};
    send_to_process(SIGTERM);
    await(stop);
    CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGTERM});
  });
}

BOOST_AUTO_TEST_CASE(a_signal_in_a_lazy_guard_is_passed_on_as_it_came) {
  check_in_child([] {
    std::atomic<int> code{-1};
    std::atomic<pid_t> sender{0};
    const sigsafe::handler noting{SIGTERM, [&](const sigsafe::signal_info& info) noexcept {
                                    code = info.code();
                                    sender = info.sender().value_or(-1);
                                  }};
    const stop_signal stop{{SIGTERM}};
    const sigsafe::lazy::guard off;
    send_to_process(SIGTERM);
    CHILD_REQUIRE(!test::has_deferred());
    await(stop);
    while (sender == 0) sched_yield();
    CHILD_REQUIRE(code == SI_USER && sender == getpid());
  });
}

BOOST_AUTO_TEST_CASE(one_with_a_value_of_another_process_is_passed_on_too) {
  check_in_child([] {
    std::atomic<int> value{0};
    const sigsafe::handler noting{SIGTERM, [&](const sigsafe::signal_info& info) noexcept {
                                    value = info.native().si_value.sival_int;
                                  }};
    const stop_signal stop{{SIGTERM}};
    const pid_t here = getpid();
    const sigsafe::lazy::guard off;
    const pid_t sender = fork();
    if (sender == 0) {
      sigval seven{};
      seven.sival_int = 7;
      _exit(sigqueue(here, SIGTERM, seven));
    }
    CHILD_REQUIRE(test::status_of(sender) == 0);
    CHILD_REQUIRE(!test::has_deferred());
    await(stop);
    while (value == 0) sched_yield();
    CHILD_REQUIRE(value == 7);
  });
}

BOOST_AUTO_TEST_CASE(one_for_the_thread_waits_for_its_guard) {
  check_in_child([] {
    const stop_signal stop{{SIGTERM}};
    {
      const sigsafe::lazy::guard off;
      raise(SIGTERM);
      CHILD_REQUIRE(test::has_deferred() && !stop.requested());
    }
    CHILD_REQUIRE(stop.requested());
  });
}

BOOST_AUTO_TEST_CASE(what_stood_there_before_is_not_called_and_comes_back) {
  check_in_child([] {
    signal(SIGTERM, [](int) { ++foreign_calls; });
    {
      const stop_signal stop{{SIGTERM}};
      raise(SIGTERM);
      CHILD_REQUIRE(stop.requested() && foreign_calls == 0);
    }
    raise(SIGTERM);
    CHILD_REQUIRE(foreign_calls == 1);
  });
}

BOOST_AUTO_TEST_CASE(what_is_pending_at_the_end_meets_what_is_there_then) {
  check_kills(SIGTERM, [] {
    const sigsafe::lazy::guard off;
    const stop_signal stop{{SIGTERM}};
    raise(SIGTERM);
  });
  check_in_child([] {
    {
      const sigsafe::lazy::guard off;
      const stop_signal stop{{SIGTERM}, {.at_end = sigsafe::at_end::ignore}};
      raise(SIGTERM);
    }
    raise(SIGTERM);
  });
}

BOOST_AUTO_TEST_CASE(it_sets_an_event_with_the_first_signal) {
  check_in_child([] {
    counting_event stopped;
    const stop_signal stop{{SIGTERM}, {.event = stopped}};
    raise(SIGTERM);
    CHILD_REQUIRE(stopped.sets == 1);
  });
}

BOOST_AUTO_TEST_CASE(a_child_has_the_handler_and_not_the_thread) {
  if (test::under_thread_sanitizer) return;  // with it a child of threads can make none
  check_in_child([] {
    const stop_signal stop{{SIGTERM}, {.deadline = 1ms}};
    pid_t child = fork();
    if (child == 0) {
      CHILD_REQUIRE(has_threads(1));
      {
        const sigsafe::lazy::guard off;
        send_to_process(SIGTERM);  // there is nobody to pass it on to
        CHILD_REQUIRE(!stop.requested());
      }
      CHILD_REQUIRE(stop.requested());
      sigsafe::guard off;
      off.wait_for(20ms);  // no deadline
      _exit(0);
    }
    CHILD_REQUIRE(test::status_of(child) == 0);
    child = fork();
    if (child == 0) {
      raise(SIGTERM);
      raise(SIGTERM);
      _exit(0);
    }
    int status = test::status_of(child);
    CHILD_REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    child = fork();
    if (child == 0) {
      const stop_signal own{{SIGTERM}};
      const sigsafe::guard off;
      hang_in_two_signals(own, SIGTERM);
    }
    status = test::status_of(child);
    CHILD_REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    CHILD_REQUIRE(!stop.requested());
  });
}

BOOST_AUTO_TEST_CASE(a_childs_destructor_leaves_the_parents_thread_alone) {
  if (test::under_thread_sanitizer) return;  // with it a child of threads can make none
  check_in_child([] {
    std::optional<stop_signal> stop{std::in_place, signal_set{SIGTERM}};
    const pid_t child = fork();
    if (child == 0) {
      stop.reset();
      CHILD_REQUIRE(action_of(SIGTERM).sa_handler == SIG_DFL);
      stop.emplace(signal_set{SIGTERM});
      CHILD_REQUIRE(has_threads(2));
      stop.reset();
      _exit(0);
    }
    CHILD_REQUIRE(test::status_of(child) == 0);
    CHILD_REQUIRE(has_threads(2));
  });
}

BOOST_AUTO_TEST_CASE(two_for_different_signals_work_side_by_side) {
  check_in_child([] {
    const stop_signal first{{SIGINT}};
    {
      const stop_signal second{{SIGTERM}};
      const sigsafe::lazy::guard off;
      send_to_process(SIGTERM);
      await(second);
      CHILD_REQUIRE(!first.requested());
      send_to_process(SIGINT);
      await(first);
    }
    CHILD_REQUIRE(has_threads(2));
  });
}

BOOST_AUTO_TEST_CASE(exit_ends_it_from_everywhere) {
  if (test::under_thread_sanitizer) return;  // it reports every exit in a handler
  check_in_child([] {
    static const stop_signal stop{{SIGTERM}, {.deadline = 1h}};
    raise(SIGTERM);
    std::exit(0);
  });
  check_in_child([] {  // on its thread
    static const stop_signal stop{{SIGTERM}};
    static const sigsafe::handler exits{SIGTERM, []() noexcept { std::exit(0); }};
    const sigsafe::guard off;
    send_to_process(SIGTERM);
    hang();
  });
}

BOOST_AUTO_TEST_CASE(what_cannot_be_is_refused_and_nothing_is_left_behind) {
  check_in_child([] {
    const auto refuses = [](signal_set signals, std::errc code, const std::string& text) {
      const std::string found = error_of([&] { const stop_signal stop{signals}; }, code);
      dprintf(STDERR_FILENO, "%s\n", found.c_str());
      return found.starts_with("sigsafe: cannot handle signal " + text);
    };
    constexpr auto invalid = std::errc::invalid_argument;
    CHILD_REQUIRE(refuses({SIGTERM, SIGSEGV}, invalid, "11 (SIGSEGV): a stop_signal is not for"));
    CHILD_REQUIRE(refuses({SIGTERM, SIGTSTP}, invalid, "20 (SIGTSTP): a stop_signal ends the"));
    CHILD_REQUIRE(refuses({SIGTERM, SIGKILL}, invalid, "9 (SIGKILL): no process can catch it"));
    {
      const stop_signal stop{{SIGTERM}};
      CHILD_REQUIRE(refuses({SIGINT, SIGTERM}, std::errc::device_or_resource_busy,
                            "15 (SIGTERM): another stop_signal has it"));
      CHILD_REQUIRE(action_of(SIGINT).sa_handler == SIG_DFL);
      CHILD_REQUIRE(has_threads(2));
      const stop_signal other{{SIGINT}};
    }
    CHILD_REQUIRE(has_threads(1));
    const stop_signal again{{SIGINT, SIGTERM}};
  });
}

BOOST_AUTO_TEST_CASE(no_thread_is_an_error_that_says_what_to_do) {
  if (test::under_thread_sanitizer || test::under_address_sanitizer) return;
  check_in_child([] {
    const rlimit none{0, 0};
    CHILD_REQUIRE(setrlimit(RLIMIT_NPROC, &none) == 0);
    if (getuid() == 0) CHILD_REQUIRE(setuid(65534) == 0);  // the limit is not for root
    const std::string text = error_of([] { const stop_signal stop{{SIGTERM}}; },
                                      std::errc::resource_unavailable_try_again);
    CHILD_REQUIRE(text.starts_with("sigsafe: a stop_signal needs a thread, and none can be made"));
    CHILD_REQUIRE(text.find("RLIMIT_NPROC") != std::string::npos);
    CHILD_REQUIRE(action_of(SIGTERM).sa_handler == SIG_DFL);
  });
}

BOOST_AUTO_TEST_CASE(what_is_passed_on_while_it_ends_is_not_lost) {
  check_in_child([] {
    static std::atomic<int> foreign{0};
    const test::foreign_handler before{SIGTERM, [](int) { ++foreign; }};
    for (int round = 0; round < 300; ++round) {
      foreign = 0;
      counting_event asked;
      std::optional<stop_signal> stop{std::in_place, signal_set{SIGTERM},
                                      sigsafe::stop_options{.event = asked}};
      test::gate begins;
      std::thread ending{[&] {
        begins.pass();
        for (int i = 0; i < round % 20 * 20; ++i) static_cast<void>(stop->requested());
        stop.reset();
      }};
      {
        const sigsafe::lazy::guard off;
        begins.open();
        send_to_process(SIGTERM);
      }
      ending.join();
      while (foreign + asked.sets == 0) sched_yield();
    }
  });
}

BOOST_AUTO_TEST_SUITE_END()
