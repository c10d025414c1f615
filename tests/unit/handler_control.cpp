// What a program can ask and do while a handler lives: in_force, reinstall, take_default.
#include <boost/test/unit_test.hpp>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <thread>

#include <tests/support/arrivals.hpp>
#include <tests/support/child.hpp>
#include <tests/support/foreign.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/signals.hpp>

namespace {

using sigsafe::signal_info;
using test::arrived;

using noting = sigsafe::handler<test::note_arrival>;

using test::check_in_child;
using test::check_kills;

using test::count_foreign;
using test::foreign_calls;
using test::install_foreign_that_chains;

/// Takes the default action of every signal but the first.
struct takes_default {
  std::atomic<int>* calls;
  void operator()(const signal_info& info) const noexcept {
    if (calls->fetch_add(1) > 0) info.take_default();
  }
};
using defaulting = sigsafe::handler<takes_default>;

}  // namespace

BOOST_AUTO_TEST_SUITE(handler_in_force)

BOOST_AUTO_TEST_CASE(a_handler_is_in_force_until_it_is_replaced) {
  check_in_child([] {
    const noting handler{SIGUSR1, {}};
    CHILD_REQUIRE(handler.in_force());
    signal(SIGUSR1, count_foreign);
    CHILD_REQUIRE(!handler.in_force() && handler.active());
    const noting another{SIGUSR1, {}};
    CHILD_REQUIRE(handler.in_force());
  });
}

BOOST_AUTO_TEST_CASE(one_for_a_set_is_in_force_when_all_of_it_is) {
  check_in_child([] {
    noting handler{{SIGUSR1, SIGUSR2}, {}};
    CHILD_REQUIRE(handler.in_force());
    signal(SIGUSR2, count_foreign);
    CHILD_REQUIRE(!handler.in_force());
    handler.reinstall();
    CHILD_REQUIRE(handler.in_force());
    signal(SIGUSR1, count_foreign);
    CHILD_REQUIRE(!handler.in_force());
  });
}

BOOST_AUTO_TEST_CASE(one_that_is_not_active_is_not_in_force) {
  check_in_child([] {
    noting handler{SIGUSR1, {}, {.once = true}};
    const noting other{SIGUSR1, {}};
    raise(SIGUSR1);
    CHILD_REQUIRE(!handler.in_force() && other.in_force());
    signal(SIGUSR1, count_foreign);
    handler.reinstall();
    CHILD_REQUIRE(!other.in_force());
    raise(SIGUSR1);
    CHILD_REQUIRE(foreign_calls == 1);
  });
}

BOOST_AUTO_TEST_CASE(reinstall_takes_a_signal_back_and_chains_to_what_was_there) {
  check_in_child([] {
    noting handler{SIGUSR1, {}, {.chain = true, .restart = true}};
    struct sigaction before;
    sigaction(SIGUSR1, nullptr, &before);
    signal(SIGUSR1, count_foreign);
    handler.reinstall();
    CHILD_REQUIRE(handler.in_force());
    struct sigaction after;
    sigaction(SIGUSR1, nullptr, &after);
    CHILD_REQUIRE(after.sa_flags == before.sa_flags);
    raise(SIGUSR1);
    CHILD_REQUIRE(arrived.size() == 1 && foreign_calls == 1);
    handler.reinstall();
    raise(SIGUSR1);
    CHILD_REQUIRE(arrived.size() == 2 && foreign_calls == 2);
  });
}

BOOST_AUTO_TEST_CASE(what_was_taken_back_from_comes_back_at_the_end) {
  check_in_child([] {
    {
      noting handler{SIGUSR1, {}};
      signal(SIGUSR1, count_foreign);
      handler.reinstall();
    }
    raise(SIGUSR1);
    CHILD_REQUIRE(arrived.size() == 0 && foreign_calls == 1);
  });
}

BOOST_AUTO_TEST_CASE(two_that_chain_to_each_other_do_not_go_round_in_circles) {
  check_in_child([] {
    signal(SIGUSR1, SIG_IGN);
    {
      noting handler{SIGUSR1, {}, {.chain = true}};
      for (int i = 1; i <= 3; ++i) {
        install_foreign_that_chains(SIGUSR1);
        handler.reinstall();
        raise(SIGUSR1);
        CHILD_REQUIRE(arrived.size() == i && foreign_calls == i);
      }
    }
    raise(SIGUSR1);
    CHILD_REQUIRE(arrived.size() == 3 && foreign_calls == 4);
  });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(take_default)

BOOST_AUTO_TEST_CASE(the_second_ctrl_c_kills) {
  check_kills(SIGINT, [] {
    std::atomic<int> calls{0};
    const defaulting handler{SIGINT, takes_default{&calls}};
    raise(SIGINT);
    CHILD_REQUIRE(calls == 1);
    raise(SIGINT);
  });
}

BOOST_AUTO_TEST_CASE(it_kills_at_the_release_of_a_guard) {
  check_kills(SIGINT, [] {
    std::atomic<int> calls{1};
    const defaulting handler{SIGINT, takes_default{&calls}};
    {
      const sigsafe::lazy::guard off;
      raise(SIGINT);
    }
    CHILD_REQUIRE(false);
  });
  check_kills(SIGRTMIN, [] {
    std::atomic<int> calls{1};
    const defaulting handler{SIGRTMIN, takes_default{&calls}};
    {
      const sigsafe::guard off;
      raise(SIGRTMIN);
    }
    CHILD_REQUIRE(false);
  });
}

BOOST_AUTO_TEST_CASE(it_kills_while_the_handler_runs_on_another_thread_too) {
  check_kills(SIGINT, [] {
    test::gate inside;
    test::gate never;
    std::atomic<int> calls{0};
    const sigsafe::handler handler{SIGINT, [&](const signal_info& info) noexcept {
                                     if (calls.fetch_add(1) > 0) info.take_default();
                                     inside.open();
                                     never.pass();
                                   }};
    std::thread other{[] { raise(SIGINT); }};
    inside.pass();
    raise(SIGINT);
    CHILD_REQUIRE(false);
  });
}

BOOST_AUTO_TEST_CASE(a_fault_kills) {
  check_kills(SIGSEGV, [] {
    std::atomic<int> calls{1};
    const defaulting handler{SIGSEGV, takes_default{&calls}};
    void* const page = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const sigsafe::lazy::guard off;
    *static_cast<volatile char*>(page) = 1;
  });
  check_kills(SIGABRT, [] {
    std::atomic<int> calls{1};
    const defaulting handler{SIGABRT, takes_default{&calls}};
    raise(SIGABRT);
  });
}

BOOST_AUTO_TEST_CASE(what_is_ignored_by_default_goes_on) {
  check_in_child([] {
    std::atomic<int> calls{1};
    const defaulting handler{SIGCHLD, takes_default{&calls}};
    raise(SIGCHLD);
    raise(SIGCHLD);
    CHILD_REQUIRE(calls == 3);
  });
}

// The disposition is the default for a moment, which nobody may take for the program's.
BOOST_AUTO_TEST_CASE(a_registration_meanwhile_does_not_adopt_the_default) {
  check_in_child([] {
    const pid_t stopping = fork();
    if (stopping == 0) {
      setpgid(0, 0);
      signal(SIGTSTP, count_foreign);
      std::optional<noting> first{std::in_place, SIGTSTP, test::note_arrival{}};
      std::atomic<bool> done{false};
      std::atomic<int> calls{1};
      {
        const defaulting handler{SIGTSTP, takes_default{&calls}};
        std::thread registering{[&] {
          test::block({SIGTSTP});
          while (!done) const sigsafe::handler other{SIGTSTP, []() noexcept {}};
        }};
        for (int i = 0; i < 200; ++i) {
          raise(SIGTSTP);
          arrived.clear();
        }
        done = true;
        registering.join();
      }
      first.reset();
      struct sigaction left;
      sigaction(SIGTSTP, nullptr, &left);
      _exit(left.sa_handler == count_foreign ? 42 : 1);
    }
    int status;
    while (WIFSTOPPED(status = test::status_of(stopping, WUNTRACED))) kill(stopping, SIGCONT);
    CHILD_REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 42);
  });
}

BOOST_AUTO_TEST_CASE(a_stop_stops_and_the_handler_goes_on_afterwards) {
  check_in_child([] {
    const pid_t stopping = fork();
    if (stopping == 0) {
      setpgid(0, 0);
      std::atomic<int> calls{1};
      const defaulting handler{SIGTSTP, takes_default{&calls}};
      for (int i = 0; i < 2; ++i) raise(SIGTSTP);
      _exit(calls == 3 && sigsafe::signal_set::blocked().empty() ? 42 : 1);
    }
    int status = 0;
    for (int i = 0; i < 2; ++i) {
      status = test::status_of(stopping, WUNTRACED);
      CHILD_REQUIRE(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
      kill(stopping, SIGCONT);
    }
    status = test::status_of(stopping);
    CHILD_REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 42);
  });
}

BOOST_AUTO_TEST_SUITE_END()
