// discard.hpp
#include <boost/test/unit_test.hpp>

#include <sigsafe/discard.hpp>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <optional>
#include <thread>
#include <tuple>
#include <type_traits>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/subset_guard.hpp>

#include <tests/support/arrivals.hpp>
#include <tests/support/backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/sanitizers.hpp>
#include <tests/support/signals.hpp>
#include <tests/support/syscalls.hpp>

namespace {

using sigsafe::discard_guard;
using sigsafe::signal_set;
using test::check_in_child;
using test::check_kills;
using test::counter;

/// A pipe whose reader has gone.
class broken_pipe {
 public:
  broken_pipe() {
    int ends[2] = {-1, -1};
    CHILD_REQUIRE(pipe(ends) == 0);
    close(ends[0]);
    end_ = ends[1];
  }
  broken_pipe(const broken_pipe&) = delete;
  broken_pipe& operator=(const broken_pipe&) = delete;
  ~broken_pipe() { close(end_); }

  void write() const noexcept {
    errno = 0;
    CHILD_REQUIRE(::write(end_, "x", 1) < 0 && errno == EPIPE);
  }

 private:
  int end_ = -1;
};

/// Another process sends a signal to this one, or to one of its threads.
template <class Send>
void from_outside(Send send) {
  const pid_t other = fork();
  CHILD_REQUIRE(other >= 0);
  if (other == 0) _exit(send() == 0 ? 0 : 1);
  CHILD_REQUIRE(test::status_of(other) == 0);
}
void kill_from_outside(int signal) {
  const pid_t target = getpid();
  from_outside([=] { return kill(target, signal); });
}
void tgkill_from_outside(int signal) {
  const pid_t target = getpid();
  const pid_t thread = test::own_thread();
  from_outside([=] { return syscall(SYS_tgkill, target, thread, signal); });
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(discard, test::clean_thread)

BOOST_AUTO_TEST_CASE(a_sigpipe_that_arises_inside_is_gone_afterwards) {
  check_in_child([] {
    const broken_pipe pipe;
    {
      const discard_guard off{{SIGPIPE}};
      pipe.write();
      pipe.write();
      CHILD_REQUIRE(signal_set::pending() == signal_set{SIGPIPE});
    }
    CHILD_REQUIRE(signal_set::pending().empty() && signal_set::blocked().empty());
  });
  check_kills(SIGPIPE, [] {
    const broken_pipe pipe;
    { const discard_guard off{{SIGPIPE}}; }
    pipe.write();
  });
}

BOOST_AUTO_TEST_CASE(so_is_a_sigxfsz) {
  check_in_child([] {
    FILE* const file = tmpfile();
    CHILD_REQUIRE(file != nullptr);
    const rlimit none{0, RLIM_INFINITY};
    CHILD_REQUIRE(setrlimit(RLIMIT_FSIZE, &none) == 0);
    const discard_guard off{{SIGPIPE, SIGXFSZ}};
    CHILD_REQUIRE(write(fileno(file), "x", 1) < 0 && errno == EFBIG);
    CHILD_REQUIRE(signal_set::pending() == signal_set{SIGXFSZ});
  });
}

BOOST_AUTO_TEST_CASE(one_that_was_pending_before_stays) {
  for (const bool of_the_process : {false, true})
    check_in_child([=] {
      test::block({SIGPIPE});
      if (of_the_process)
        kill_from_outside(SIGPIPE);
      else
        raise(SIGPIPE);
      {
        const discard_guard off{{SIGPIPE}};
        const broken_pipe pipe;
        if (!of_the_process) pipe.write();
      }
      CHILD_REQUIRE(signal_set::pending() == signal_set{SIGPIPE});
      CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGPIPE});
      const counter sigpipe{SIGPIPE};
      test::unblock({SIGPIPE});
      CHILD_REQUIRE(sigpipe.runs() == 1);
    });
}

BOOST_AUTO_TEST_CASE(one_that_a_lazy_guard_had_deferred_before_stays) {
  check_in_child([] {
    const counter sigpipe{SIGPIPE};
    const broken_pipe pipe;
    std::optional<sigsafe::lazy::guard> held{std::in_place};
    pipe.write();
    std::optional<discard_guard> off{std::in_place, signal_set{SIGPIPE}};
    held.reset();
    CHILD_REQUIRE(sigpipe.runs() == 0);
    off.reset();
    CHILD_REQUIRE(sigpipe.runs() == 1);
    CHILD_REQUIRE(test::is_at_rest() && signal_set::blocked().empty());
  });
}

BOOST_AUTO_TEST_CASE(one_from_another_process_goes_to_this_one) {
  for (const auto send : {kill_from_outside, tgkill_from_outside})
    check_in_child([=] {
      if (test::under_thread_sanitizer) return;  // it delivers late what others send
      test::arrived.clear();
      const sigsafe::handler noting{SIGPIPE, test::note_arrival{}};
      {
        const discard_guard off{{SIGPIPE}};
        send(SIGPIPE);
        CHILD_REQUIRE(test::arrived.size() == 0);
      }
      CHILD_REQUIRE(test::arrived.are({SIGPIPE}));
      CHILD_REQUIRE(test::arrived[0].si_pid != getpid() && test::arrived[0].si_pid != 0);
    });
  check_kills(SIGPIPE, [] {
    const discard_guard off{{SIGPIPE}};
    kill_from_outside(SIGPIPE);
  });
}

BOOST_AUTO_TEST_CASE(of_two_the_threads_own_is_dropped_and_the_foreign_one_goes_to_the_process) {
  if (test::under_thread_sanitizer) return;  // it keeps one of each number
  check_in_child([] {
    const counter sigpipe{SIGPIPE};
    const broken_pipe pipe;
    {
      const discard_guard off{{SIGPIPE}};
      kill_from_outside(SIGPIPE);
      pipe.write();
    }
    CHILD_REQUIRE(sigpipe.runs() == 1);
    CHILD_REQUIRE(signal_set::pending().empty());
  });
}

BOOST_AUTO_TEST_CASE(what_the_process_sends_to_itself_is_dropped_unless_it_has_a_value) {
  check_in_child([] {
    const counter sigpipe{SIGPIPE};
    {
      const discard_guard off{{SIGPIPE}};
      raise(SIGPIPE);
    }
    {
      const discard_guard off{{SIGPIPE}};
      kill(getpid(), SIGPIPE);
    }
    CHILD_REQUIRE(sigpipe.runs() == 0);
    {
      const discard_guard off{{SIGPIPE}};
      test::queue(SIGPIPE, 1);
    }
    CHILD_REQUIRE(sigpipe.runs() == 1);
  });
}

BOOST_AUTO_TEST_CASE(the_programs_disposition_is_left_alone) {
  check_in_child([] {
    const broken_pipe pipe;
    for (const auto disposition : {SIG_DFL, SIG_IGN}) {
      signal(SIGPIPE, disposition);
      {
        const discard_guard off{{SIGPIPE}};
        pipe.write();
      }
      CHILD_REQUIRE(signal(SIGPIPE, SIG_DFL) == disposition);
    }
    const test::foreign_handler foreign{SIGPIPE};
    {
      const discard_guard off{{SIGPIPE}};
      pipe.write();
    }
    CHILD_REQUIRE(test::foreign_handler::runs() == 0);
    pipe.write();
    CHILD_REQUIRE(test::foreign_handler::runs() == 1);
  });
}

BOOST_AUTO_TEST_CASE(guards_are_released_in_any_order_and_are_one_region) {
  for (const bool inner_first : {false, true})
    check_in_child([=] {
      const counter sigpipe{SIGPIPE};
      const broken_pipe pipe;
      std::optional<discard_guard> first{std::in_place, signal_set{SIGPIPE}};
      pipe.write();
      std::optional<discard_guard> second{std::in_place, signal_set{SIGPIPE, SIGXFSZ}};
      (inner_first ? second : first).reset();
      CHILD_REQUIRE(signal_set::blocked().contains(SIGPIPE));
      CHILD_REQUIRE(signal_set::blocked().contains(SIGXFSZ) == !inner_first);
      pipe.write();
      first.reset();
      second.reset();
      CHILD_REQUIRE(sigpipe.runs() == 0);
      CHILD_REQUIRE(test::is_at_rest() && signal_set::blocked().empty());
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_crosses_other_guards_in_every_way, B, test::hosted_backends) {
  for (const bool other_first : {false, true})
    for (const bool other_ends_first : {false, true})
      for (const bool deferred : {false, true})
        check_in_child([=] {
          const counter sigpipe{SIGPIPE};
          const counter usr1{SIGUSR1};
          const broken_pipe pipe;
          std::optional<discard_guard> off;
          std::optional<sigsafe::basic_guard<B>> other;
          std::optional<sigsafe::subset_guard> subset;
          if (!other_first) off.emplace(signal_set{SIGPIPE});
          other.emplace();
          subset.emplace(signal_set{SIGPIPE, SIGHUP});
          if (deferred) raise(SIGUSR1);
          if (other_first) off.emplace(signal_set{SIGPIPE});
          pipe.write();
          if (other_ends_first) {
            other.reset();
            subset.reset();
            CHILD_REQUIRE(usr1.runs() == (deferred ? 1 : 0));
            CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGPIPE});
            off.reset();
          } else {
            off.reset();
            other.reset();
            CHILD_REQUIRE(signal_set::blocked() == signal_set({SIGPIPE, SIGHUP}));
            subset.reset();
          }
          CHILD_REQUIRE(sigpipe.runs() == 0);
          CHILD_REQUIRE(usr1.runs() == (deferred ? 1 : 0));
          CHILD_REQUIRE(test::is_at_rest() && signal_set::blocked().empty());
          pipe.write();
          CHILD_REQUIRE(sigpipe.runs() == 1);
        });
}

BOOST_AUTO_TEST_CASE(a_handler_has_a_region_of_its_own) {
  check_in_child([] {
    static const broken_pipe pipe;
    const counter sigpipe{SIGPIPE};
    const sigsafe::handler usr1{SIGUSR1, []() noexcept {
                                  const discard_guard off{{SIGPIPE}};
                                  pipe.write();
                                }};
    raise(SIGUSR1);
    {
      const discard_guard off{{SIGPIPE}};
      raise(SIGUSR1);
      pipe.write();
      raise(SIGUSR1);
    }
    {
      const sigsafe::lazy::guard held;
      raise(SIGUSR1);
    }
    CHILD_REQUIRE(sigpipe.runs() == 0);
    CHILD_REQUIRE(test::is_at_rest() && signal_set::blocked().empty());
  });
}

BOOST_AUTO_TEST_CASE(each_thread_has_its_own) {
  check_in_child([] {
    const broken_pipe pipe;
    const discard_guard off{{SIGPIPE}};
    pipe.write();
    std::thread{[&] {
      CHILD_REQUIRE(signal_set::pending().empty());
      for (int i = 0; i < 1000; ++i) {
        const discard_guard own{{SIGPIPE}};
        pipe.write();
      }
      CHILD_REQUIRE(signal_set::pending().empty());
    }}.join();
    CHILD_REQUIRE(signal_set::pending() == signal_set{SIGPIPE});
  });
}

BOOST_AUTO_TEST_CASE(a_forked_child_drops_its_own_whatever_was_pending_in_its_parent) {
  check_in_child([] {
    test::block({SIGPIPE});
    raise(SIGPIPE);
    std::optional<discard_guard> off{std::in_place, signal_set{SIGPIPE}};
    const pid_t child = fork();
    if (child == 0) {
      const broken_pipe pipe;
      pipe.write();
      off.reset();
      _exit(signal_set::pending().empty() ? 0 : 1);
    }
    CHILD_REQUIRE(test::status_of(child) == 0);
    off.reset();
    CHILD_REQUIRE(signal_set::pending() == signal_set{SIGPIPE});
  });
}

BOOST_AUTO_TEST_CASE(errno_is_kept) {
  check_in_child([] {
    errno = ENOTTY;
    { const discard_guard off{{SIGPIPE}}; }
    CHILD_REQUIRE(errno == ENOTTY);
    {
      const broken_pipe pipe;
      const discard_guard off{{SIGPIPE}};
      pipe.write();
      errno = EDOM;
    }
    CHILD_REQUIRE(errno == EDOM);
  });
}

BOOST_AUTO_TEST_CASE(other_signals_are_refused) {
  for (const signal_set signals : {signal_set{SIGTERM}, signal_set{SIGPIPE, SIGTERM}, signal_set{}})
    BOOST_TEST(
        test::panics(test::in_child([=] { const discard_guard off{signals, {"library.cpp", 7}}; }),
                     "library.cpp:7: a discard_guard is for SIGPIPE and SIGXFSZ"));
}

BOOST_AUTO_TEST_CASE(it_makes_three_system_calls) {
  BOOST_TEST(test::count_system_calls([] { const discard_guard off{{SIGPIPE}}; }) == 3);
  BOOST_TEST(test::count_system_calls([] { const discard_guard off{{SIGPIPE, SIGXFSZ}}; }) == 4);
  const auto in_another = [] { return discard_guard{{SIGPIPE}}; };
  BOOST_TEST(
      test::count_system_calls(in_another, [](auto&) { const discard_guard off{{SIGPIPE}}; }) == 0);
  const auto blocked = [] { return (test::block({SIGPIPE}), 0); };
  BOOST_TEST(test::count_system_calls(blocked, [](int) { const discard_guard off{{SIGPIPE}}; }) ==
             3);
  const auto dropping = [](int) {
    const discard_guard off{{SIGPIPE}};
    test::send(SIGPIPE);  // getpid, gettid, tgkill
  };
  BOOST_TEST(test::count_system_calls([] { return 0; }, dropping) == 3 + 3 + 1);
}

BOOST_AUTO_TEST_CASE(it_neither_copies_nor_moves_and_takes_eight_bytes) {
  BOOST_TEST((!std::is_copy_constructible_v<discard_guard> &&
              !std::is_move_constructible_v<discard_guard>));
  BOOST_TEST((std::is_nothrow_constructible_v<discard_guard, signal_set>));
#if !SIGSAFE_CHECKED
  BOOST_TEST(sizeof(discard_guard) == 8U);
#endif
}

BOOST_AUTO_TEST_SUITE_END()
