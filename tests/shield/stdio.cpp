// Tier 4: what a handler finds that comes while its thread is inside stdio.
#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <string>
#include <thread>

#include <tests/support/child.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/sleeping.hpp>

namespace {

volatile int calls = 0;
volatile bool is_inside = false, came_inside = false;

void note(int) {
  calls = calls + 1;
  came_inside = came_inside || is_inside;
}

void install(void (*handler)(int), int flags) {
  struct sigaction action{};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigaction(SIGUSR1, &action, nullptr);
}

// A file whose output runs a function of the test, inside of stdio.
ssize_t write_with_signal(void*, const char*, std::size_t size) {
  is_inside = true;
  raise(SIGUSR1);
  is_inside = false;
  return static_cast<ssize_t>(size);
}

BOOST_AUTO_TEST_SUITE(shield_stdio)

BOOST_AUTO_TEST_CASE(a_handler_runs_behind_printf_and_not_inside) {
  test::check_in_child([] {
    install(note, SA_RESTART);
    std::FILE* const file =
        fopencookie(nullptr, "w", {nullptr, &write_with_signal, nullptr, nullptr});
    std::setvbuf(file, nullptr, _IONBF, 0);
    std::fprintf(file, "%d lines", 1);
    CHILD_REQUIRE(calls >= 1 && !came_inside);
    const int before = calls;
    std::fputs("text", file);
    CHILD_REQUIRE(calls == before + 1 && !came_inside);
  });
}

// The pipe is full; the handler makes room. So it must run while the thread sleeps.
int full[2];
void make_room(int) {
  calls = calls + 1;
  static char bytes[1 << 16];
  static_cast<void>(!read(full[0], bytes, sizeof(bytes)));
}

std::FILE* file_that_is_full() {
  if (pipe2(full, O_CLOEXEC) != 0) _exit(2);
  std::FILE* const file = fdopen(full[1], "w");
  std::setvbuf(file, nullptr, _IONBF, 0);
  fcntl(full[1], F_SETFL, O_NONBLOCK);
  const std::string page(4096, 'x');
  while (write(full[1], page.data(), page.size()) > 0) continue;
  fcntl(full[1], F_SETFL, 0);
  return file;
}

BOOST_AUTO_TEST_CASE(a_thread_that_sleeps_in_a_write_runs_its_handler_at_once) {
  test::check_in_child([] {
    install(make_room, SA_RESTART);
    std::FILE* const file = file_that_is_full();
    const pthread_t sleeper = pthread_self();
    const pid_t id = gettid();
    std::thread sender{[&] {
      while (!test::is_asleep(id)) sched_yield();
      pthread_kill(sleeper, SIGUSR1);
    }};
    CHILD_REQUIRE(std::fputs("text that waits for room", file) >= 0);
    sender.join();
    CHILD_REQUIRE(calls == 1);
  });
}

BOOST_AUTO_TEST_CASE(without_sa_restart_the_write_is_interrupted) {
  test::check_in_child([] {
    install(note, 0);
    std::FILE* const file = file_that_is_full();
    const pthread_t sleeper = pthread_self();
    const pid_t id = gettid();
    std::thread sender{[&] {
      while (!test::is_asleep(id)) sched_yield();
      pthread_kill(sleeper, SIGUSR1);
    }};
    CHILD_REQUIRE(std::fputs("text that waits for room", file) == EOF && errno == EINTR);
    sender.join();
    CHILD_REQUIRE(calls == 1);
  });
}

// A deferral, and then the thread falls asleep: it is found there.
ssize_t write_with_signal_and_sleep(void* file, const char* text, std::size_t size) {
  raise(SIGUSR1);
  if (calls != 0) _exit(3);
  return write(fileno(static_cast<std::FILE*>(file)), text, size);
}

BOOST_AUTO_TEST_CASE(a_thread_that_falls_asleep_behind_a_deferral_is_found) {
  test::check_in_child([] {
    install(make_room, SA_RESTART);
    std::FILE* const pipe_file = file_that_is_full();
    std::FILE* const file =
        fopencookie(pipe_file, "w", {nullptr, &write_with_signal_and_sleep, nullptr, nullptr});
    std::setvbuf(file, nullptr, _IONBF, 0);
    CHILD_REQUIRE(std::fputs("text that waits for room", file) >= 0);
    CHILD_REQUIRE(calls == 1);
    raise(SIGUSR1);  // no region was left behind
    CHILD_REQUIRE(calls == 2);
  });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
