// The end of a child: how it is waited for, and who else may take it away.
#include <boost/test/unit_test.hpp>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/process.hpp>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <tests/support/backends.hpp>
#include <tests/support/child.hpp>
#include <tests/support/first_process.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/programs.hpp>
#include <tests/support/syscalls.hpp>

namespace {

using namespace std::chrono_literals;
using sigsafe::exit_status;
using sigsafe::signal_set;
using test::check_in_child;

/// A program that runs until it is told to end.
class waiting_program {
 public:
  waiting_program() : program{sigsafe::spawn({"cat"}, {.input = in_.reader()})} {}
  void let_end() noexcept { in_.close_writer(); }

 private:
  test::cloexec_pipe in_;

 public:
  sigsafe::child program;
};

/// Sleeps until it has ended, and leaves its status.
void await_zombie(const sigsafe::child& program) {
  pollfd watched{program.fd(), POLLIN, 0};
  while (poll(&watched, 1, -1) < 0) CHILD_REQUIRE(errno == EINTR);
}

bool is_gone(pid_t pid) noexcept { return kill(pid, 0) != 0 && errno == ESRCH; }

struct counted_end {
  std::atomic<int>* calls;
  exit_status* status;
  void operator()(exit_status end) const noexcept {
    *status = end;
    ++*calls;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(child)

BOOST_AUTO_TEST_CASE(the_status_says_how_it_ended) {
  check_in_child([] {
    CHILD_REQUIRE(sigsafe::spawn({"true"}).wait().success());
    CHILD_REQUIRE(sigsafe::spawn({"sh", "-c", "exit 255"}).wait().code() == 255);
    const exit_status killed = sigsafe::spawn({"sh", "-c", "kill -TERM $$"}).wait();
    CHILD_REQUIRE(killed.signalled() && killed.signal() == SIGTERM && !killed.dumped_core());
    CHILD_REQUIRE(!killed.exited() && killed.code() == -1 && !killed.success());
    const exit_status running{};
    CHILD_REQUIRE(!running && !running.unknown() && running.signal() == 0);
    CHILD_REQUIRE(exit_status::of_signal(SIGSEGV, true).dumped_core());
  });
}

BOOST_AUTO_TEST_CASE(it_is_told_once_and_for_ever) {
  check_in_child([] {
    waiting_program running;
    CHILD_REQUIRE(!running.program.try_wait());
    running.let_end();
    CHILD_REQUIRE(running.program.wait().success());
    CHILD_REQUIRE(running.program.try_wait().success());
    CHILD_REQUIRE(running.program.wait().success());
    CHILD_REQUIRE(!running.program.kill(SIGTERM) && errno == ESRCH);
  });
}

BOOST_AUTO_TEST_CASE(only_its_own_status_is_taken) {
  check_in_child([] {
    const pid_t other = fork();
    if (other == 0) _exit(3);
    siginfo_t info;
    CHILD_REQUIRE(waitid(P_PID, static_cast<id_t>(other), &info, WEXITED | WNOWAIT) == 0);
    CHILD_REQUIRE(sigsafe::spawn({"true"}).wait().success());
    CHILD_REQUIRE(sigsafe::reap_children() == 0);
    int status = 0;
    CHILD_REQUIRE(waitpid(other, &status, WNOHANG) == other && WEXITSTATUS(status) == 3);
  });
}

BOOST_AUTO_TEST_CASE(a_status_that_a_library_has_taken_is_unknown) {
  check_in_child([] {
    waiting_program running;
    // Whoever comes first gets it.
    std::thread library{[] { CHILD_REQUIRE(waitpid(-1, nullptr, 0) > 0 || errno == ECHILD); }};
    running.let_end();
    const exit_status end = running.program.wait();
    library.join();
    CHILD_REQUIRE(end && (end.unknown() || end.success()));
  });
  check_in_child([] {
    sigsafe::child program = sigsafe::spawn({"true"});
    CHILD_REQUIRE(waitpid(-1, nullptr, 0) == program.pid());
    CHILD_REQUIRE(program.wait().unknown());
    CHILD_REQUIRE(!program.kill(SIGKILL));
  });
}

BOOST_AUTO_TEST_CASE(children_that_the_kernel_reaps_are_unknown) {
  check_in_child([] {
    signal(SIGCHLD, SIG_IGN);
    CHILD_REQUIRE(sigsafe::spawn({"true"}).wait().unknown());
    int error = 0;
    try {
      const sigsafe::child never = sigsafe::spawn({"/nowhere"});
    } catch (const std::system_error& refused) {
      error = refused.code().value();
    }
    CHILD_REQUIRE(error == ENOENT);
    struct sigaction action{};
    action.sa_handler = [](int) {};
    action.sa_flags = SA_NOCLDWAIT;
    sigaction(SIGCHLD, &action, nullptr);
    CHILD_REQUIRE(sigsafe::spawn({"true"}).wait().unknown());
    waiting_program killed_by_destructor;
  });
}

BOOST_AUTO_TEST_CASE(waiting_ends_when_the_time_is_up) {
  check_in_child([] {
    waiting_program running;
    CHILD_REQUIRE(!running.program.wait_for(1ms));
    CHILD_REQUIRE(!running.program.wait_for(-1s));
    CHILD_REQUIRE(!running.program.wait_until(std::chrono::steady_clock::now() + 1ms));
    CHILD_REQUIRE(!running.program.wait_until(std::chrono::system_clock::time_point::min()));
    running.let_end();
    CHILD_REQUIRE(running.program.wait_for(std::chrono::hours::max()).success());
    CHILD_REQUIRE(
        running.program.wait_until(std::chrono::system_clock::time_point::min()).success());
  });
}

BOOST_AUTO_TEST_CASE(handlers_run_while_it_waits) {
  check_in_child([] {
    waiting_program running;
    const pid_t here = getpid();
    std::atomic<int> calls{0};
    // The program ends only when the third has been handled.
    const sigsafe::handler handler{SIGUSR1, [&]() noexcept {
                                     if (++calls == 3)
                                       running.let_end();
                                     else
                                       kill(here, SIGUSR1);
                                   }};
    raise(SIGUSR1);
    CHILD_REQUIRE(running.program.wait().success());
    CHILD_REQUIRE(calls == 3);
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(waiting_in_a_guard_panics, Backend, test::hosted_backends) {
  const test::child_end end = test::in_child([] {
    sigsafe::child program = sigsafe::spawn({"true"});
    const sigsafe::basic_guard<Backend> held;
    program.wait();
  });
  BOOST_TEST(test::panics(end, "a wait for a child inside a guard"));
}

BOOST_AUTO_TEST_CASE(waiting_in_a_handler_panics) {
  const test::child_end end = test::in_child([] {
    sigsafe::child program = sigsafe::spawn({"true"});
    const sigsafe::handler handler{SIGUSR1, [&]() noexcept { program.wait_for(1s); }};
    raise(SIGUSR1);
  });
  BOOST_TEST(test::panics(end, "a wait for a child inside a handler"));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_guard_sleeps_on_the_descriptor, Backend, test::hosted_backends) {
  check_in_child([] {
    waiting_program running;
    sigsafe::basic_guard<Backend> held;
    running.let_end();
    pollfd watched{running.program.fd(), POLLIN, 0};
    while (held.poll(std::array{watched}) != sigsafe::wake::ready) {}
    CHILD_REQUIRE(running.program.try_wait().success());
  });
}

BOOST_AUTO_TEST_CASE(a_handler_may_send_it_a_signal) {
  check_in_child([] {
    waiting_program running;
    const sigsafe::handler forward{
        SIGTERM, [&](int signal) noexcept { CHILD_REQUIRE(running.program.kill(signal)); }};
    raise(SIGTERM);
    CHILD_REQUIRE(running.program.wait().signal() == SIGTERM);
  });
}

BOOST_AUTO_TEST_CASE(no_other_process_gets_its_signal) {
  check_in_child([] {
    sigsafe::child program = sigsafe::spawn({"true"});
    CHILD_REQUIRE(program.wait().success());
    // Its number may be that of any process now; the descriptor is not.
    errno = 0;
    CHILD_REQUIRE(!program.kill(SIGKILL) && errno == ESRCH);
    CHILD_REQUIRE(!program.kill(0));
  });
}

BOOST_AUTO_TEST_CASE(the_destructor_kills_what_runs) {
  check_in_child([] {
    const int before = test::open_descriptors();
    pid_t pid = 0;
    {
      const waiting_program running;
      pid = running.program.pid();
    }
    CHILD_REQUIRE(is_gone(pid) && !test::has_children());
    CHILD_REQUIRE(test::open_descriptors() == before);
  });
}

BOOST_AUTO_TEST_CASE(it_moves) {
  check_in_child([] {
    waiting_program running, other;
    const pid_t pid = running.program.pid();
    sigsafe::child moved{std::move(running.program)};
    CHILD_REQUIRE(!running.program.valid() && moved.pid() == pid);
    moved = std::move(other.program);  // kills the one that it had
    CHILD_REQUIRE(is_gone(pid) && !is_gone(moved.pid()));
    moved = sigsafe::child{};
    CHILD_REQUIRE(!moved.valid() && !test::has_children());
  });
}

BOOST_AUTO_TEST_CASE(one_without_a_process_panics) {
  const test::child_end end = test::in_child([] {
    const sigsafe::child none;
    none.kill(SIGTERM);
  });
  BOOST_TEST(test::panics(end, "has no process"));
}

BOOST_AUTO_TEST_CASE(a_detached_one_runs_on_and_leaves_no_zombie) {
  check_in_child([] {
    const int before = test::open_descriptors();
    waiting_program running;
    exit_status told;
    std::atomic<int> calls{0};
    running.program.on_exit(counted_end{&calls, &told});
    const pid_t pid = running.program.pid();
    const int fd = dup(running.program.fd());
    running.program.detach();
    CHILD_REQUIRE(!running.program.valid() && !is_gone(pid));
    running.let_end();
    pollfd watched{fd, POLLIN, 0};
    CHILD_REQUIRE(poll(&watched, 1, -1) == 1);
    close(fd);
    CHILD_REQUIRE(sigsafe::spawn({"true"}).wait().success());  // takes the other one's
    CHILD_REQUIRE(calls == 1 && told.success());
    CHILD_REQUIRE(!test::has_children());
    CHILD_REQUIRE(test::open_descriptors() <= before + 1);  // the reader of the pipe
  });
}

BOOST_AUTO_TEST_CASE(functions_are_told_once_in_their_order) {
  check_in_child([] {
    waiting_program running;
    std::string order;
    running.program.on_exit([&](exit_status end) noexcept { order += end.success() ? "a" : "?"; });
    running.program.on_exit([&](exit_status) noexcept { order += "b"; });
    CHILD_REQUIRE(!running.program.try_wait() && order.empty());
    running.let_end();
    running.program.wait();
    CHILD_REQUIRE(order == "ab");
    running.program.on_exit([&](exit_status) noexcept { order += "c"; });
    running.program.wait();
    CHILD_REQUIRE(sigsafe::reap_children() == 0);
    CHILD_REQUIRE(order == "abc");
  });
}

BOOST_AUTO_TEST_CASE(a_function_may_destroy_its_child) {
  check_in_child([] {
    const int before = test::open_descriptors();
    for (const bool detaches : {false, true}) {
      std::optional<sigsafe::child> program = sigsafe::spawn({"true"});
      bool called = false;
      program->on_exit([&](exit_status) noexcept {
        if (detaches) program->detach();
        program.reset();
        called = true;
      });
      await_zombie(*program);
      CHILD_REQUIRE(sigsafe::reap_children() == 1);
      CHILD_REQUIRE(called && !program);
    }
    CHILD_REQUIRE(test::open_descriptors() == before);
  });
}

BOOST_AUTO_TEST_CASE(a_function_that_destroys_its_child_is_the_last) {
  check_in_child([] {
    for (const bool assigns : {false, true}) {
      std::optional<sigsafe::child> program = sigsafe::spawn({"true"});
      program->on_exit([&](exit_status) noexcept {
        if (assigns)
          *program = sigsafe::child{};
        else
          program.reset();
      });
      program->on_exit([](exit_status) noexcept { CHILD_REQUIRE(false); });
      await_zombie(*program);
      CHILD_REQUIRE(sigsafe::reap_children() == 1);
    }
  });
}

BOOST_AUTO_TEST_CASE(the_destructor_waits_for_a_function_on_another_thread) {
  check_in_child([] {
    std::optional<sigsafe::child> program = sigsafe::spawn({"true"});
    std::atomic<bool> inside{false}, may_return{false}, returned{false};
    program->on_exit([&](exit_status) noexcept {
      inside = true;
      while (!may_return) sched_yield();
      returned = true;
    });
    await_zombie(*program);
    std::thread loop{[] { CHILD_REQUIRE(sigsafe::reap_children() == 1); }};
    while (!inside) sched_yield();
    std::thread releases{[&] { may_return = true; }};
    program.reset();
    CHILD_REQUIRE(returned);
    loop.join();
    releases.join();
  });
}

BOOST_AUTO_TEST_CASE(a_destroyed_child_calls_nothing) {
  check_in_child([] {
    exit_status told;
    std::atomic<int> calls{0};
    {
      waiting_program running;
      running.program.on_exit(counted_end{&calls, &told});
    }
    CHILD_REQUIRE(sigsafe::reap_children() == 0 && calls == 0);
  });
}

BOOST_AUTO_TEST_CASE(several_threads_wait_for_one) {
  check_in_child([] {
    waiting_program running;
    std::atomic<int> told{0};
    running.program.on_exit([&](exit_status) noexcept { ++told; });
    std::thread a{[&] { CHILD_REQUIRE(running.program.wait().success()); }};
    std::thread b{[&] { CHILD_REQUIRE(running.program.wait_for(1h).success()); }};
    running.let_end();
    CHILD_REQUIRE(running.program.wait().success());
    a.join();
    b.join();
    CHILD_REQUIRE(told == 1);
  });
}

BOOST_AUTO_TEST_CASE(a_forked_process_is_not_the_parent) {
  check_in_child([] {
    waiting_program running, other;
    std::optional<sigsafe::child> ended = sigsafe::spawn({"true"});
    await_zombie(*ended);
    const pid_t forked = fork();
    CHILD_REQUIRE(forked >= 0);
    if (forked == 0) {
      CHILD_REQUIRE(running.program.try_wait().unknown());
      CHILD_REQUIRE(ended->wait().unknown());
      CHILD_REQUIRE(sigsafe::reap_children() == 0);
      ended.reset();
      other.program = sigsafe::spawn({"true"});  // its own; the parent's is let go
      CHILD_REQUIRE(other.program.wait().success());
      _exit(0);
    }
    CHILD_REQUIRE(test::status_of(forked) == 0);
    CHILD_REQUIRE(!running.program.try_wait());
    other.let_end();
    CHILD_REQUIRE(other.program.wait().success());
    CHILD_REQUIRE(ended->wait().success());
  });
}

BOOST_AUTO_TEST_CASE(reap_children_hands_each_its_own_status) {
  check_in_child([] {
    sigsafe::child a = sigsafe::spawn({"sh", "-c", "exit 1"});
    sigsafe::child b = sigsafe::spawn({"sh", "-c", "exit 2"});
    waiting_program running;
    await_zombie(a);
    await_zombie(b);
    CHILD_REQUIRE(sigsafe::reap_children() == 2);
    CHILD_REQUIRE(!test::has_children() || !running.program.try_wait());
    CHILD_REQUIRE(a.try_wait().code() == 1 && b.try_wait().code() == 2);
  });
}

// The system calls of reap_children, with so many children.
long calls_of_reaping(std::size_t ended, std::size_t running) {
  return test::count_system_calls(
      [=] {
        std::vector<std::unique_ptr<waiting_program>> programs;
        for (std::size_t i = 0; i < ended + running; ++i)
          programs.push_back(std::make_unique<waiting_program>());
        for (std::size_t i = 0; i < ended; ++i) {
          programs[i]->let_end();
          await_zombie(programs[i]->program);
        }
        return programs;
      },
      [=](const auto&) { CHILD_REQUIRE(sigsafe::reap_children() == ended); });
}

BOOST_AUTO_TEST_CASE(reaping_comes_to_each_child_once) {
  BOOST_TEST(calls_of_reaping(0, 8) == calls_of_reaping(0, 1) + 7);
  BOOST_TEST(calls_of_reaping(8, 8) == calls_of_reaping(8, 0) + 8);
}

BOOST_AUTO_TEST_CASE(functions_may_start_and_destroy_children_while_others_are_reaped) {
  check_in_child([] {
    std::array<std::optional<sigsafe::child>, 9> programs;
    std::size_t told = 0;
    for (std::size_t i = 0; i < programs.size(); ++i) {
      programs[i] = sigsafe::spawn({"true"});
      programs[i]->on_exit([&, i](exit_status) noexcept {
        ++told;
        for (const std::size_t neighbour : {i + 1, i + programs.size() - 1})
          programs[neighbour % programs.size()].reset();
        sigsafe::spawn({"true"}).detach();
      });
    }
    for (const auto& each : programs) await_zombie(*each);
    const std::size_t reaped = sigsafe::reap_children();
    CHILD_REQUIRE(told >= 3 && reaped >= told);  // no two neighbours, and perhaps of what is new
    while (test::has_children()) sigsafe::reap_children();
  });
}

BOOST_AUTO_TEST_CASE(a_cancelled_thread_destroys_a_child) {
  check_in_child([] {
    std::thread{[] {
      const sigsafe::child program = sigsafe::spawn({"true"});
      await_zombie(program);
      pthread_cancel(pthread_self());
    }}.join();
  });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(reap_all)

BOOST_AUTO_TEST_CASE(others_go_to_the_function_and_live_children_to_their_objects) {
  check_in_child([] {
    sigsafe::child mine = sigsafe::spawn({"sh", "-c", "exit 1"});
    const pid_t other = fork();
    if (other == 0) _exit(2);
    await_zombie(mine);
    siginfo_t info;
    CHILD_REQUIRE(waitid(P_PID, static_cast<id_t>(other), &info, WEXITED | WNOWAIT) == 0);
    int calls = 0;
    CHILD_REQUIRE(sigsafe::reap_all([&](pid_t pid, exit_status end) {
                    CHILD_REQUIRE(pid == other && end.code() == 2);
                    ++calls;
                  }) == 2);
    CHILD_REQUIRE(calls == 1);
    CHILD_REQUIRE(mine.try_wait().code() == 1);
    CHILD_REQUIRE(sigsafe::reap_all() == 0 && !test::has_children());
  });
}

BOOST_AUTO_TEST_CASE(children_whose_status_was_taken_are_told_too) {
  check_in_child([] {
    exit_status told;
    std::atomic<int> calls{0};
    sigsafe::child program = sigsafe::spawn({"true"});
    program.on_exit(counted_end{&calls, &told});
    CHILD_REQUIRE(waitpid(-1, nullptr, 0) == program.pid());
    CHILD_REQUIRE(sigsafe::reap_all([](pid_t, exit_status) { CHILD_REQUIRE(false); }) == 1);
    CHILD_REQUIRE(calls == 1 && told.unknown());
  });
}

// Orphans come to the nearest subreaper, as to PID 1.
BOOST_AUTO_TEST_CASE(adopted_orphans_are_reaped) {
  check_in_child([] {
    CHILD_REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    test::cloexec_pipe out;
    sigsafe::child forks_away =
        sigsafe::spawn({"sh", "-c", "(echo; exit 5) & exit 6"}, {.output = out.writer()});
    CHILD_REQUIRE(out.read_all() == "\n");
    int orphans = 0;
    while (test::has_children()) {
      siginfo_t info;
      CHILD_REQUIRE(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0);
      sigsafe::reap_all([&](pid_t, exit_status end) {
        CHILD_REQUIRE(end.code() == 5);
        ++orphans;
      });
    }
    CHILD_REQUIRE(orphans == 1);
    CHILD_REQUIRE(forks_away.try_wait().code() == 6);
  });
}

// Also that of one whose spawn has not returned yet.
BOOST_AUTO_TEST_CASE(a_child_of_spawn_is_never_taken_for_another) {
  check_in_child([] {
    std::atomic<bool> done{false};
    std::thread reaper{[&] {
      while (!done) sigsafe::reap_all([](pid_t, exit_status) { CHILD_REQUIRE(false); });
    }};
    for (int i = 0; i < 40; ++i) {
      CHILD_REQUIRE(sigsafe::spawn({"/bin/true"}).wait().success());
      try {
        const sigsafe::child never = sigsafe::spawn({"/nowhere"});
        CHILD_REQUIRE(false);
      } catch (const std::system_error&) {}
    }
    done = true;
    reaper.join();
  });
}

BOOST_AUTO_TEST_CASE(what_its_function_throws_leaves_the_rest_for_the_next_call) {
  check_in_child([] {
    for (int i = 0; i < 2; ++i)
      if (fork() == 0) _exit(0);
    siginfo_t info;
    CHILD_REQUIRE(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0);
    try {
      sigsafe::reap_all([](pid_t, exit_status) { throw 1; });
      CHILD_REQUIRE(false);
    } catch (int) {}
    CHILD_REQUIRE(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0);
    CHILD_REQUIRE(sigsafe::reap_all() == 1);
  });
}

BOOST_AUTO_TEST_CASE(pid_1_reaps_all) {
  const auto reaps = [] {
    test::cloexec_pipe out;
    sigsafe::child forks_away = sigsafe::spawn({"sh", "-c", "(exit 5) & (exit 5) & echo; exit 6"},
                                               {.output = out.writer()});
    CHILD_REQUIRE(out.read_all() == "\n");
    int orphans = 0;
    siginfo_t info;
    while (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0)
      sigsafe::reap_all([&](pid_t, exit_status) { ++orphans; });
    CHILD_REQUIRE(errno == ECHILD && orphans <= 2);
    CHILD_REQUIRE(forks_away.wait().code() == 6);
    waiting_program killed_by_destructor;
  };
  if (const auto end = test::in_first_process(reaps, "a case of reap_all"))
    BOOST_CHECK_MESSAGE(end->succeeded(), *end);
}

// The numbers that a namespace gives its processes are not those that their parent sees.
BOOST_AUTO_TEST_CASE(a_child_that_is_pid_1_of_its_own_has_the_number_that_its_parent_sees) {
  const test::child_end ended = test::in_child([] {
    if (unshare(CLONE_NEWPID) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0) _exit(77);
    sigsafe::child first = sigsafe::spawn({"sh", "-c", "[ $$ = 1 ] && exit 4"});
    CHILD_REQUIRE(first.pid() > 1 && kill(first.pid(), 0) == 0);
    await_zombie(first);
    CHILD_REQUIRE(sigsafe::reap_all([](pid_t, exit_status) { CHILD_REQUIRE(false); }) == 1);
    CHILD_REQUIRE(first.try_wait().code() == 4);
  });
  if (WIFEXITED(ended.status) && WEXITSTATUS(ended.status) == 77)
    std::puts("SKIPPED: a case of reap_all, as this machine lets us make no PID namespace");
  else
    BOOST_CHECK_MESSAGE(ended.succeeded(), ended);
}

BOOST_AUTO_TEST_SUITE_END()
