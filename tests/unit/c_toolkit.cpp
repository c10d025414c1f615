// sigsafe.h: processes, threads, stopping, timers, crashes.
#include <boost/test/unit_test.hpp>

#include <sigsafe/sigsafe.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include <sigsafe/signal_set.hpp>

#include <tests/support/clean_thread.hpp>
#include <tests/support/crashes.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/signals.hpp>

namespace {

using sigsafe::signal_set;
using test::check_in_child;
using test::in_child;
using test::send;

bool says(const char* text) {
  return std::string{sigsafe_error_text()}.find(text) != std::string::npos;
}

char* text(const char* literal) { return const_cast<char*>(literal); }

/// A program of one shell command.
class command {
 public:
  explicit command(const char* line) : words_{text("sh"), text("-c"), text(line), nullptr} {}
  [[nodiscard]] char* const* arguments() const noexcept { return words_; }

 private:
  char* words_[4];
};

bool is(const sigsafe_exit_status& status, sigsafe_exit_kind kind, int number) {
  return status.kind == kind && status.number == number;
}

/// What a program writes that is started with these options.
std::string output_of(char* const* arguments, sigsafe_spawn_options options) {
  int ends[2];
  CHILD_REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  const sigsafe_passed_descriptor passed[] = {{1, ends[1]}, {0, SIGSAFE_NULL_DEVICE}};
  options.descriptors = passed;
  options.descriptors_size = 2;
  sigsafe_child child = SIGSAFE_CHILD_INIT;
  sigsafe_exit_status status;
  CHILD_REQUIRE(sigsafe_spawn(&child, arguments, &options) == 0);
  CHILD_REQUIRE(sigsafe_child_wait(&child, &status) == 0 && is(status, SIGSAFE_EXITED, 0));
  sigsafe_child_destroy(&child);
  char buffer[512];
  const ssize_t size = read(ends[0], buffer, sizeof(buffer));
  CHILD_REQUIRE(size >= 0);
  return {buffer, static_cast<std::size_t>(size)};
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(c_toolkit, test::clean_thread)

BOOST_AUTO_TEST_CASE(a_child_ends_with_its_status) {
  check_in_child([] {
    sigsafe_child child = SIGSAFE_CHILD_INIT;
    sigsafe_exit_status status;
    CHILD_REQUIRE(sigsafe_spawn(&child, command{"exit 3"}.arguments(), nullptr) == 0);
    CHILD_REQUIRE(sigsafe_child_pid(&child) > 0 && sigsafe_child_fd(&child) >= 0);
    CHILD_REQUIRE(sigsafe_spawn(&child, command{"true"}.arguments(), nullptr) == EBUSY);
    CHILD_REQUIRE(sigsafe_child_wait(&child, &status) == 0 && is(status, SIGSAFE_EXITED, 3));
    CHILD_REQUIRE(sigsafe_child_look(&child, &status) == 0 && is(status, SIGSAFE_EXITED, 3));
    CHILD_REQUIRE(sigsafe_child_kill(&child, SIGTERM) == ESRCH);
    sigsafe_child_destroy(&child);
    sigsafe_child_destroy(&child);
    CHILD_REQUIRE(sigsafe_child_pid(&child) == -1 && sigsafe_child_fd(&child) == -1);
    CHILD_REQUIRE(sigsafe_child_wait(&child, &status) == EINVAL && says("no process"));
    CHILD_REQUIRE(sigsafe_child_look(&child, &status) == EINVAL);
    CHILD_REQUIRE(sigsafe_child_kill(&child, SIGTERM) == EINVAL);
  });
}

BOOST_AUTO_TEST_CASE(a_child_is_killed_and_told_about) {
  check_in_child([] {
    sigsafe_child child = SIGSAFE_CHILD_INIT;
    sigsafe_exit_status status;
    sigsafe_exit_status told{SIGSAFE_RUNNING, 0};
    const auto note = [](sigsafe_exit_status end, void* data) {
      *static_cast<sigsafe_exit_status*>(data) = end;
    };
    CHILD_REQUIRE(sigsafe_spawn(&child, command{"exec sleep 60"}.arguments(), nullptr) == 0);
    CHILD_REQUIRE(sigsafe_child_look(&child, &status) == 0 && is(status, SIGSAFE_RUNNING, 0));
    CHILD_REQUIRE(sigsafe_child_wait_until(&child, sigsafe_now() + 1000, &status) == ETIMEDOUT);
    CHILD_REQUIRE(sigsafe_child_on_exit(&child, nullptr, nullptr) == EINVAL);
    CHILD_REQUIRE(sigsafe_child_on_exit(&child, note, &told) == 0);
    CHILD_REQUIRE(sigsafe_child_kill(&child, SIGKILL) == 0);
    CHILD_REQUIRE(sigsafe_child_wait_until(&child, SIGSAFE_FOREVER, &status) == 0);
    CHILD_REQUIRE(is(status, SIGSAFE_KILLED, SIGKILL) && is(told, SIGSAFE_KILLED, SIGKILL));
    sigsafe_child_destroy(&child);
  });
}

BOOST_AUTO_TEST_CASE(a_program_that_is_missing_is_an_error) {
  check_in_child([] {
    sigsafe_child child = SIGSAFE_CHILD_INIT;
    char* const missing[] = {text("no such program"), nullptr};
    CHILD_REQUIRE(sigsafe_spawn(&child, missing, nullptr) == ENOENT && says("no such program"));
    char* const nothing[] = {nullptr};
    CHILD_REQUIRE(sigsafe_spawn(&child, nothing, nullptr) == EINVAL);
    CHILD_REQUIRE(sigsafe_spawn(&child, nullptr, nullptr) == EINVAL);
    CHILD_REQUIRE(sigsafe_child_pid(&child) == -1);
    CHILD_REQUIRE(waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD);
  });
}

BOOST_AUTO_TEST_CASE(a_child_gets_what_the_options_say) {
  check_in_child([] {
    char* const environment[] = {text("COLOUR=blue"), text("HOME"), nullptr};
    sigsafe_spawn_options options{};
    options.directory = "/";
    options.environment = environment;
    options.program = "/bin/sh";
    const command names{"read x; echo $COLOUR ${HOME-none} $PWD"};
    CHILD_REQUIRE(output_of(names.arguments(), options) == "blue none /\n");
    options.clear_environment = true;
    options.program = "env";
    char* const env[] = {text("env"), nullptr};
    CHILD_REQUIRE(output_of(env, options) == "COLOUR=blue\n");
  });
}

// A shell would open the mask.
BOOST_AUTO_TEST_CASE(a_child_blocks_and_ignores_what_the_options_say) {
  check_in_child([] {
    char* const grep[] = {text("grep"), text("-E"), text("SigBlk|SigIgn"),
                          text("/proc/self/status"), nullptr};
    const std::string none = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n";
    CHILD_REQUIRE(output_of(grep, {}) == none);
    sigset_t hup;
    sigemptyset(&hup);
    sigaddset(&hup, SIGHUP);
    sigsafe_spawn_options options{};
    options.blocked = &hup;
    CHILD_REQUIRE(output_of(grep, options) ==
                  "SigBlk:\t0000000000000001\nSigIgn:\t0000000000000000\n");
    options = {};
    options.ignored = &hup;
    const std::string ignored = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000001\n";
    CHILD_REQUIRE(output_of(grep, options) == ignored);
    options = {};
    options.keep_ignored = &hup;
    CHILD_REQUIRE(output_of(grep, options) == none);
    signal(SIGHUP, SIG_IGN);
    CHILD_REQUIRE(output_of(grep, options) == ignored);
  });
}

BOOST_AUTO_TEST_CASE(groups_sessions_and_descriptors_are_as_asked) {
  check_in_child([] {
    sigsafe_spawn_options options{};
    options.process_group = SIGSAFE_NEW_PROCESS_GROUP;
    sigsafe_child child = SIGSAFE_CHILD_INIT;
    sigsafe_lazy_enter();
    CHILD_REQUIRE(sigsafe_spawn(&child, command{"exec sleep 60"}.arguments(), &options) == 0);
    CHILD_REQUIRE(getpgid(sigsafe_child_pid(&child)) == sigsafe_child_pid(&child));
    sigsafe_lazy_leave();
    sigsafe_child_destroy(&child);
    options.process_group = -7;
    CHILD_REQUIRE(sigsafe_spawn(&child, command{"true"}.arguments(), &options) == EINVAL);
    options = {};
    options.session = true;
    CHILD_REQUIRE(sigsafe_spawn(&child, command{"exec sleep 60"}.arguments(), &options) == 0);
    CHILD_REQUIRE(getsid(sigsafe_child_pid(&child)) == sigsafe_child_pid(&child));
    sigsafe_child_destroy(&child);
    const sigsafe_passed_descriptor twice[] = {{7, 1}, {7, 2}};
    options.descriptors = twice;
    options.descriptors_size = 2;
    CHILD_REQUIRE(sigsafe_spawn(&child, command{"true"}.arguments(), &options) == EINVAL);
    options = {};
    options.no_search_path = true;
    CHILD_REQUIRE(sigsafe_spawn(&child, command{"true"}.arguments(), &options) == ENOENT);
    const int passed_on = dup(STDERR_FILENO);
    const std::string look = "test -e /proc/self/fd/" + std::to_string(passed_on);
    options = {};
    options.inherit_descriptors = true;
    for (const bool inherits : {true, false}) {
      options.inherit_descriptors = inherits;
      sigsafe_exit_status status;
      CHILD_REQUIRE(sigsafe_spawn(&child, command{look.c_str()}.arguments(), &options) == 0);
      CHILD_REQUIRE(sigsafe_child_wait(&child, &status) == 0);
      CHILD_REQUIRE(is(status, SIGSAFE_EXITED, inherits ? 0 : 1));
      sigsafe_child_destroy(&child);
    }
  });
}

BOOST_AUTO_TEST_CASE(children_are_reaped) {
  check_in_child([] {
    struct counts {
      int others = 0;
    } seen;
    const auto note = [](pid_t, sigsafe_exit_status, void* data) {
      ++static_cast<counts*>(data)->others;
    };
    sigsafe_child child = SIGSAFE_CHILD_INIT;
    CHILD_REQUIRE(sigsafe_spawn(&child, command{"true"}.arguments(), nullptr) == 0);
    sigsafe_child_detach(&child);
    sigsafe_child_detach(&child);
    std::size_t ended = 0;
    while ((ended += sigsafe_reap_children()) == 0) {}
    const pid_t forked = fork();
    if (forked == 0) _exit(0);
    std::size_t all = 0;
    while (all == 0) CHILD_REQUIRE(sigsafe_reap_all(note, &seen, &all) == 0);
    CHILD_REQUIRE(all == 1 && seen.others == 1);
    CHILD_REQUIRE(sigsafe_reap_all(nullptr, nullptr, nullptr) == 0);
  });
}

BOOST_AUTO_TEST_CASE(a_process_ends_as_its_child_has_ended) {
  const auto exits = in_child([] { sigsafe_end_as({SIGSAFE_EXITED, 7}); });
  BOOST_TEST((WIFEXITED(exits.status) && WEXITSTATUS(exits.status) == 7), exits);
  for (const auto kind : {SIGSAFE_KILLED, SIGSAFE_DUMPED}) {
    const auto killed = in_child([=] {
      signal(SIGTERM, SIG_IGN);
      sigsafe_end_as({kind, SIGTERM});
    });
    BOOST_TEST(killed.killed_by(SIGTERM), killed);
  }
  for (const auto kind : {SIGSAFE_RUNNING, SIGSAFE_UNKNOWN}) {
    const auto unknown = in_child([=] { sigsafe_end_as({kind, 0}); });
    BOOST_TEST((WIFEXITED(unknown.status) && WEXITSTATUS(unknown.status) == 1), unknown);
  }
}

// The shell in between ends at once, and the signal of the parent's end would be SIGKILL.
BOOST_AUTO_TEST_CASE(a_subreaper_gets_the_children_of_its_children) {
  check_in_child([] {
    CHILD_REQUIRE(sigsafe_become_subreaper() == 0);
    sigsafe_spawn_options options{};
    options.parent_death_signal = 9999;
    sigsafe_child child = SIGSAFE_CHILD_INIT;
    CHILD_REQUIRE(sigsafe_spawn(&child, command{"true"}.arguments(), &options) == EINVAL);
    options.parent_death_signal = SIGKILL;
    const command orphans{"true & exit 0"};
    CHILD_REQUIRE(sigsafe_spawn(&child, orphans.arguments(), &options) == 0);
    std::size_t all = 0;
    while (all < 2) {
      std::size_t some = 0;
      CHILD_REQUIRE(sigsafe_reap_all(nullptr, nullptr, &some) == 0);
      all += some;
    }
    sigsafe_child_destroy(&child);
  });
}

BOOST_AUTO_TEST_CASE(masks_are_those_of_the_program) {
  check_in_child([] {
    sigsafe_eager_enter();
    sigset_t mask;
    sigsafe_program_mask(&mask);
    CHILD_REQUIRE(signal_set{mask}.empty());
    const pid_t child = fork();
    if (child == 0) {
      sigset_t hup;
      sigemptyset(&hup);
      sigaddset(&hup, SIGHUP);
      sigsafe_prepare_exec(&hup);
      struct sigaction now;
      sigaction(SIGHUP, nullptr, &now);
      _exit(now.sa_handler == SIG_IGN && signal_set::blocked().empty() ? 0 : 1);
    }
    CHILD_REQUIRE(test::status_of(child) == 0);
    sigsafe_eager_leave();
  });
}

BOOST_AUTO_TEST_CASE(a_thread_takes_the_signals_that_it_receives) {
  check_in_child([] {
    const auto look = [](void* of) -> void* {
      *static_cast<signal_set*>(of) = signal_set::blocked();
      return of;
    };
    pthread_t thread;
    signal_set blocked;
    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    CHILD_REQUIRE(sigsafe_thread_create(&thread, nullptr, &usr1, look, &blocked) == 0);
    void* returned = nullptr;
    CHILD_REQUIRE(pthread_join(thread, &returned) == 0 && returned == &blocked);
    CHILD_REQUIRE(blocked == signal_set::maskable() - signal_set{SIGUSR1});
    CHILD_REQUIRE(sigsafe_thread_create(&thread, nullptr, nullptr, look, &blocked) == 0);
    CHILD_REQUIRE(pthread_join(thread, nullptr) == 0 && blocked == signal_set::maskable());
    CHILD_REQUIRE(signal_set::blocked().empty());
    CHILD_REQUIRE(sigsafe_thread_create(&thread, nullptr, nullptr, nullptr, nullptr) == EINVAL);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    CHILD_REQUIRE(pthread_attr_setstacksize(&attributes, SIZE_MAX / 16 * 15) == 0);
    CHILD_REQUIRE(sigsafe_thread_create(&thread, &attributes, nullptr, look, &blocked) != 0);
    CHILD_REQUIRE(says("thread"));
  });
}

BOOST_AUTO_TEST_CASE(the_second_stop_kills) {
  const auto end = in_child([] {
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigsafe_event event = SIGSAFE_EVENT_INIT;
    sigsafe_stop stop = SIGSAFE_STOP_INIT;
    CHILD_REQUIRE(sigsafe_stop_end(&stop) == EINVAL && sigsafe_stop_requested(&stop) == 0);
    CHILD_REQUIRE(sigsafe_stop_begin(&stop, nullptr, 0, 0, nullptr) == EINVAL);
    CHILD_REQUIRE(sigsafe_stop_begin(&stop, &term, SIGSAFE_ONCE, 0, nullptr) == EINVAL);
    CHILD_REQUIRE(sigsafe_stop_begin(&stop, &term, 0, SIGSAFE_SECONDS(60), &event) == 0);
    CHILD_REQUIRE(sigsafe_stop_begin(&stop, &term, 0, SIGSAFE_FOREVER, nullptr) == EBUSY);
    CHILD_REQUIRE(sigsafe_stop_requested(&stop) == 0);
    kill(getpid(), SIGTERM);
    CHILD_REQUIRE(sigsafe_event_wait(&event, nullptr) == 0);
    CHILD_REQUIRE(sigsafe_stop_requested(&stop) == SIGTERM);
    dprintf(STDERR_FILENO, "stopping\n");
    kill(getpid(), SIGTERM);
    for (;;) pause();
  });
  BOOST_TEST(test::killed(end, SIGTERM, "stopping\n"));
}

BOOST_AUTO_TEST_CASE(a_timer_calls_its_function) {
  check_in_child([] {
    sigsafe_event event = SIGSAFE_EVENT_COUNTING_INIT;
    const auto set = [](std::uint64_t elapsed, void* data) {
      for (; elapsed > 0; --elapsed) sigsafe_event_set(static_cast<sigsafe_event*>(data));
    };
    sigsafe_timer timer = SIGSAFE_TIMER_INIT;
    CHILD_REQUIRE(sigsafe_timer_start(&timer, 1, 0) == EINVAL);
    CHILD_REQUIRE(sigsafe_timer_stop(&timer) == EINVAL);
    CHILD_REQUIRE(sigsafe_timer_destroy(&timer) == EINVAL);
    CHILD_REQUIRE(sigsafe_timer_remaining(&timer) == 0);
    CHILD_REQUIRE(sigsafe_timer_create(&timer, nullptr, nullptr, nullptr) == EINVAL);
    CHILD_REQUIRE(sigsafe_timer_create(&timer, nullptr, set, &event) == 0);
    CHILD_REQUIRE(sigsafe_timer_create(&timer, nullptr, set, &event) == EBUSY);
    CHILD_REQUIRE(sigsafe_timer_start(&timer, -1, 0) == EINVAL);
    CHILD_REQUIRE(sigsafe_timer_start(&timer, SIGSAFE_FOREVER, 0) == 0);
    CHILD_REQUIRE(sigsafe_timer_remaining(&timer) > SIGSAFE_SECONDS(60));
    CHILD_REQUIRE(sigsafe_timer_start_until(&timer, sigsafe_now() - 1, 0) == 0);
    CHILD_REQUIRE(sigsafe_event_wait(&event, nullptr) == 0 && sigsafe_timer_remaining(&timer) == 0);
    std::uint32_t times = 0;
    CHILD_REQUIRE(sigsafe_timer_start(&timer, SIGSAFE_MILLISECONDS(1), 0) == 0);
    CHILD_REQUIRE(sigsafe_event_wait(&event, &times) == 0 && times == 1);
    CHILD_REQUIRE(sigsafe_timer_start(&timer, SIGSAFE_MICROSECONDS(500), SIGSAFE_MILLISECONDS(1)) ==
                  0);
    std::uint32_t sum = 0;
    while (sum < 3) {
      CHILD_REQUIRE(sigsafe_event_wait(&event, &times) == 0);
      sum += times;
    }
    CHILD_REQUIRE(sigsafe_timer_stop(&timer) == 0);
    CHILD_REQUIRE(sigsafe_timer_destroy(&timer) == 0);
    CHILD_REQUIRE(sigsafe_timer_destroy(&timer) == EINVAL);
  });
}

namespace {

struct noted {
  sigsafe_event event = SIGSAFE_EVENT_INIT;
  pthread_t thread;
};

void note(std::uint64_t, void* data) {
  auto& to = *static_cast<noted*>(data);
  to.thread = pthread_self();
  sigsafe_event_set(&to.event);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_timer_is_what_its_options_say) {
  check_in_child([] {
    noted seen;
    sigsafe_timer timer = SIGSAFE_TIMER_INIT;
    sigsafe_timer_options options{};
    options.clock = static_cast<sigsafe_timer_clock>(7);
    CHILD_REQUIRE(sigsafe_timer_create(&timer, &options, note, &seen) == EINVAL && says("clock"));
    options.clock = SIGSAFE_REALTIME;
    options.signal = SIGSEGV;
    CHILD_REQUIRE(sigsafe_timer_create(&timer, &options, note, &seen) == EINVAL);
    options.signal = SIGRTMIN + 1;
    CHILD_REQUIRE(sigsafe_timer_create(&timer, &options, note, &seen) == 0);
    struct sigaction now;
    CHILD_REQUIRE(sigaction(SIGRTMIN + 1, nullptr, &now) == 0 && now.sa_handler != SIG_DFL);
    CHILD_REQUIRE((now.sa_flags & SA_RESTART) != 0);
    CHILD_REQUIRE(sigsafe_timer_start(&timer, 1, 1) == EINVAL && says("SIGSAFE_REALTIME"));
    timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    const std::int64_t today = SIGSAFE_SECONDS(time.tv_sec);
    CHILD_REQUIRE(sigsafe_timer_start_until(&timer, today + SIGSAFE_SECONDS(3600), 0) == 0);
    CHILD_REQUIRE(sigsafe_timer_remaining(&timer) > SIGSAFE_SECONDS(60));
    CHILD_REQUIRE(sigsafe_timer_start_until(&timer, today, 0) == 0);
    CHILD_REQUIRE(sigsafe_event_wait(&seen.event, nullptr) == 0);
    CHILD_REQUIRE(sigsafe_timer_destroy(&timer) == 0);
    for (const auto clock :
         {SIGSAFE_MONOTONIC, SIGSAFE_BOOTTIME, SIGSAFE_PROCESS_CPU, SIGSAFE_THREAD_CPU}) {
      options = {};
      options.clock = clock;
      options.interrupts = true;
      CHILD_REQUIRE(sigsafe_timer_create(&timer, &options, note, &seen) == 0);
      CHILD_REQUIRE(sigaction(sigsafe_timer_signal(), nullptr, &now) == 0);
      CHILD_REQUIRE((now.sa_flags & SA_RESTART) == 0);
      CHILD_REQUIRE(sigsafe_timer_start(&timer, 0, SIGSAFE_SECONDS(60)) == 0);
      // The clocks of what is computed stand still in a sleep.
      while (!sigsafe_event_is_set(&seen.event)) {}
      sigsafe_event_reset(&seen.event);
      CHILD_REQUIRE(sigsafe_timer_destroy(&timer) == 0);
    }
  });
}

// It goes off while that thread holds signals off, and the first one would take it.
BOOST_AUTO_TEST_CASE(a_timer_runs_on_the_thread_that_created_it) {
  check_in_child([] {
    std::atomic<bool> is_pending{false};
    std::atomic<bool> was_open{false};
    std::thread other{[&] {
      noted seen;
      sigsafe_timer timer = SIGSAFE_TIMER_INIT;
      sigsafe_timer_options options{};
      options.this_thread = true;
      CHILD_REQUIRE(sigsafe_timer_create(&timer, &options, note, &seen) == 0);
      sigsafe_eager_enter();
      CHILD_REQUIRE(sigsafe_timer_start(&timer, 1, 0) == 0);
      while (signal_set::pending().empty() && !sigsafe_event_is_set(&seen.event)) {}
      is_pending = true;
      while (!was_open) {}
      sigsafe_eager_leave();
      CHILD_REQUIRE(sigsafe_event_wait(&seen.event, nullptr) == 0);
      CHILD_REQUIRE(pthread_equal(seen.thread, pthread_self()));
      CHILD_REQUIRE(sigsafe_timer_destroy(&timer) == 0);
    }};
    while (!is_pending) {}
    getppid();  // a signal of the process comes with the return of a system call
    was_open = true;
    other.join();
  });
}

BOOST_AUTO_TEST_CASE(a_stop_is_what_its_options_say) {
  check_in_child([] {
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigsafe_stop stop = SIGSAFE_STOP_INIT;
    struct sigaction now;
    for (const unsigned options : {0U, unsigned{SIGSAFE_RESTART | SIGSAFE_IGNORE_AT_END}}) {
      CHILD_REQUIRE(sigsafe_stop_begin(&stop, &term, options, SIGSAFE_FOREVER, nullptr) == 0);
      CHILD_REQUIRE(sigaction(SIGTERM, nullptr, &now) == 0);
      CHILD_REQUIRE(((now.sa_flags & SA_RESTART) != 0) == (options != 0));
      CHILD_REQUIRE(sigsafe_stop_end(&stop) == 0);
      CHILD_REQUIRE(sigaction(SIGTERM, nullptr, &now) == 0);
      CHILD_REQUIRE(now.sa_handler == (options != 0 ? SIG_IGN : SIG_DFL));
    }
  });
  check_in_child([] {
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigsafe_stop stop = SIGSAFE_STOP_INIT;
    CHILD_REQUIRE(sigsafe_stop_begin(&stop, &term, 0, -1, nullptr) == EINVAL);
    CHILD_REQUIRE(sigsafe_stop_begin(&stop, &term, 0, SIGSAFE_FOREVER, nullptr) == 0);
    CHILD_REQUIRE(sigsafe_stop_end(&stop) == 0);
  });
  check_in_child([] {
    signal(SIGTERM, SIG_IGN);  // as nohup does with SIGHUP
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigsafe_stop stop = SIGSAFE_STOP_INIT;
    struct sigaction now;
    for (const unsigned options : {0U, unsigned{SIGSAFE_EVEN_IGNORED}}) {
      CHILD_REQUIRE(sigsafe_stop_begin(&stop, &term, options, SIGSAFE_FOREVER, nullptr) == 0);
      CHILD_REQUIRE(sigaction(SIGTERM, nullptr, &now) == 0);
      CHILD_REQUIRE((now.sa_handler == SIG_IGN) == (options == 0));
      CHILD_REQUIRE(sigsafe_stop_end(&stop) == 0);
    }
  });
}

BOOST_AUTO_TEST_CASE(a_crash_is_reported) {
  const auto line = test::in_clean_child([] {
    sigsafe_crash_handler crash = SIGSAFE_CRASH_HANDLER_INIT;
    CHILD_REQUIRE(sigsafe_crash_handler_end(&crash) == EINVAL);
    CHILD_REQUIRE(sigsafe_crash_handler_begin(&crash, STDERR_FILENO, nullptr, nullptr) == 0);
    CHILD_REQUIRE(sigsafe_crash_handler_begin(&crash, STDERR_FILENO, nullptr, nullptr) == EBUSY);
    raise(SIGSEGV);
  });
  BOOST_TEST((line.killed_by(SIGSEGV) && line.errors.find("sigsafe: SIGSEGV") == 0), line);
  const auto function = test::in_clean_child([] {
    const auto report = [](const sigsafe_crash* crash, void* data) {
      const sigsafe_signal signal = sigsafe_crash_signal(crash);
      std::uintptr_t from[8];
      sigsafe_print(STDERR_FILENO, "%s %d %d %d\n", static_cast<const char*>(data), signal.number,
                    sigsafe_crash_program_counter(crash) != 0,
                    sigsafe_crash_return_addresses(crash, from, 8) <= 8);
      char what[7];
      CHILD_REQUIRE(sigsafe_crash_text(crash, what, sizeof(what)) == sizeof(what));
      CHILD_REQUIRE(std::string(what, sizeof(what)) == "SIGSEGV");
      sigsafe_crash_write(crash, STDERR_FILENO);
    };
    static char data[] = "crash";
    sigsafe_crash_handler crash = SIGSAFE_CRASH_HANDLER_INIT;
    CHILD_REQUIRE(sigsafe_crash_handler_reinstall(&crash) == EINVAL);
    CHILD_REQUIRE(!sigsafe_crash_handler_in_force(&crash));
    CHILD_REQUIRE(sigsafe_crash_handler_begin(&crash, -1, report, data) == 0);
    CHILD_REQUIRE(sigsafe_crash_handler_in_force(&crash));
    signal(SIGBUS, SIG_IGN);
    CHILD_REQUIRE(!sigsafe_crash_handler_in_force(&crash));
    CHILD_REQUIRE(sigsafe_crash_handler_reinstall(&crash) == 0);
    CHILD_REQUIRE(sigsafe_crash_handler_in_force(&crash));
    CHILD_REQUIRE(sigsafe_crash_handler_end(&crash) == 0);
    CHILD_REQUIRE(sigsafe_crash_handler_begin(&crash, -1, report, data) == 0);
    raise(SIGSEGV);
  });
  const std::string expected = "crash 11 1 1\nsigsafe: SIGSEGV";
  BOOST_TEST((function.killed_by(SIGSEGV) && function.errors.find(expected) == 0), function);
}

BOOST_AUTO_TEST_SUITE_END()
