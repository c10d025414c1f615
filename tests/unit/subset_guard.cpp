// subset_guard.hpp
#include <boost/test/unit_test.hpp>

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <thread>
#include <tuple>
#include <type_traits>

#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/subset_guard.hpp>

#include <tests/support/arrivals.hpp>
#include <tests/support/backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/syscalls.hpp>

namespace {

namespace backend = sigsafe::backend;
using sigsafe::signal_set;
using sigsafe::subset_guard;
using test::child_end;
using test::counter;
using test::in_child;

/// Broken: puts the mask back that it found, with what a guard outside had added to it.
class puts_the_old_mask_back {
 public:
  explicit puts_the_old_mask_back(signal_set signals) {
    const sigset_t native = (signals & signal_set::maskable()).native();
    pthread_sigmask(SIG_BLOCK, &native, &before_);
  }
  puts_the_old_mask_back(const puts_the_old_mask_back&) = delete;
  puts_the_old_mask_back& operator=(const puts_the_old_mask_back&) = delete;
  ~puts_the_old_mask_back() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

/// A subset guard and a lock that begin and end crosswise, with a signal deferred, or not, before
/// the subset guard begins. SIGUSR1 is in the set, SIGUSR2 is not.
template <class Subset, class B>
child_end begins_and_ends_crosswise_with_a_lock() {
  return in_child([] {
    const signal_set before = signal_set::blocked();
    for (const bool lock_first : {true, false})
      for (const bool lock_ends_first : {true, false})
        for (const bool deferred_before : {true, false}) {
          const counter usr1{SIGUSR1};
          const counter usr2{SIGUSR2};
          const counter hup{SIGHUP};
          sigsafe::mutex<int, sigsafe::default_raw_lock, B> mutex{0};
          std::optional<Subset> subset;
          std::optional<sigsafe::mutex_guard<int, sigsafe::default_raw_lock, B>> lock;
          if (!lock_first) subset.emplace(signal_set{SIGUSR1});
          lock.emplace(mutex.lock());
          if (deferred_before) raise(SIGHUP);
          if (lock_first) subset.emplace(signal_set{SIGUSR1});
          raise(SIGUSR1);
          raise(SIGUSR2);
          CHILD_REQUIRE(usr1.runs() + usr2.runs() + hup.runs() == 0);
          if (lock_ends_first) {
            lock.reset();
            CHILD_REQUIRE(usr1.runs() == 0);
            CHILD_REQUIRE(usr2.runs() == 1);
            CHILD_REQUIRE(hup.runs() == (deferred_before ? 1 : 0));
            CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGUSR1});
            subset.reset();
          } else {
            subset.reset();
            CHILD_REQUIRE(usr1.runs() + usr2.runs() + hup.runs() == 0);
            lock.reset();
          }
          CHILD_REQUIRE(usr1.runs() == 1);
          CHILD_REQUIRE(usr2.runs() == 1);
          CHILD_REQUIRE(hup.runs() == (deferred_before ? 1 : 0));
          CHILD_REQUIRE(signal_set::blocked() == before);
        }
  });
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(subset_guard_, test::clean_thread)

BOOST_AUTO_TEST_CASE(it_blocks_its_set_and_nothing_else) {
  const child_end end = in_child([] {
    const counter usr1{SIGUSR1};
    const counter usr2{SIGUSR2};
    const counter hup{SIGHUP};
    {
      const subset_guard off{{SIGUSR1, SIGHUP}};
      CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGUSR1, SIGHUP});
      raise(SIGUSR1);
      raise(SIGHUP);
      CHILD_REQUIRE(usr1.runs() == 0 && hup.runs() == 0);
      raise(SIGUSR2);
      CHILD_REQUIRE(usr2.runs() == 1);
    }
    CHILD_REQUIRE(usr1.runs() == 1 && hup.runs() == 1);
    CHILD_REQUIRE(signal_set::blocked().empty());
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(an_empty_set_blocks_nothing) {
  const counter usr1{SIGUSR1};
  const subset_guard off{{}};
  raise(SIGUSR1);
  BOOST_TEST(usr1.runs() == 1);
}

BOOST_AUTO_TEST_CASE(foreign_handlers_and_default_actions_are_held_off) {
  {
    const test::foreign_handler usr1{SIGUSR1};
    {
      const subset_guard off{{SIGUSR1}};
      raise(SIGUSR1);
      BOOST_TEST(usr1.runs() == 0);
    }
    BOOST_TEST(usr1.runs() == 1);
  }
  const child_end end = in_child([] {
    {
      const subset_guard off{{SIGTERM}};
      raise(SIGTERM);
      dprintf(STDERR_FILENO, "inside");
    }
    dprintf(STDERR_FILENO, "after");
  });
  BOOST_TEST(test::killed(end, SIGTERM, "inside"));
}

BOOST_AUTO_TEST_CASE(what_is_not_maskable_is_left_alone) {
  const child_end end = in_child([] {
    const counter abort{SIGABRT};
    const subset_guard off{signal_set::all()};
    CHILD_REQUIRE(signal_set::blocked() == signal_set::maskable());
    raise(SIGABRT);
    CHILD_REQUIRE(abort.runs() == 1);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(what_the_program_blocks_stays_blocked) {
  const child_end end = in_child([] {
    const sigset_t mine = signal_set{SIGUSR1, SIGUSR2}.native();
    pthread_sigmask(SIG_BLOCK, &mine, nullptr);
    { const subset_guard off{{SIGUSR1, SIGHUP}}; }
    CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGUSR1, SIGUSR2});
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(subset_guards_nest_and_overlap) {
  const child_end end = in_child([] {
    const counter usr1{SIGUSR1};
    const counter usr2{SIGUSR2};
    {
      const subset_guard outer{{SIGUSR1, SIGHUP}};
      {
        const subset_guard inner{{SIGUSR1, SIGUSR2}};
        CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGHUP, SIGUSR1, SIGUSR2});
        raise(SIGUSR1);
        raise(SIGUSR2);
      }
      CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGHUP, SIGUSR1});
      CHILD_REQUIRE(usr2.runs() == 1);
      CHILD_REQUIRE(usr1.runs() == 0);
    }
    CHILD_REQUIRE(usr1.runs() == 1);
    CHILD_REQUIRE(signal_set::blocked().empty());
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_crosses_other_holds_in_every_way, B, test::hosted_backends) {
  const child_end end = begins_and_ends_crosswise_with_a_lock<subset_guard, B>();
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(one_that_puts_the_old_mask_back_is_caught, B, test::hosted_backends) {
  const child_end end = begins_and_ends_crosswise_with_a_lock<puts_the_old_mask_back, B>();
  BOOST_TEST(test::is_caught(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_works_in_a_handler, B, test::hosted_backends) {
  const child_end end = in_child([] {
    const counter usr2{SIGUSR2};
    int usr2_inside = -1;
    const sigsafe::handler usr1{SIGUSR1, [&]() noexcept {
                                  raise(SIGUSR2);
                                  { const subset_guard off{{SIGUSR2}}; }
                                  usr2_inside = usr2.runs();
                                }};
    raise(SIGUSR1);
    CHILD_REQUIRE(usr2_inside == 0);
    CHILD_REQUIRE(usr2.runs() == 1);
    {
      const sigsafe::basic_guard<B> off;
      raise(SIGUSR1);
    }
    CHILD_REQUIRE(usr2_inside == 1);
    CHILD_REQUIRE(usr2.runs() == 2);
    CHILD_REQUIRE(signal_set::blocked().empty());
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(errno_is_kept) {
  const sigsafe::handler usr1{SIGUSR1, []() noexcept { errno = EINTR; }};
  errno = ENOTTY;
  {
    const subset_guard off{{SIGUSR1}};
    raise(SIGUSR1);
    errno = EDOM;
  }
  const int afterwards = errno;
  BOOST_TEST(afterwards == EDOM);
}

BOOST_AUTO_TEST_CASE(it_belongs_to_its_thread) {
  signal_set of_the_other = signal_set::all();
  std::thread other;
  {
    test::gate begun;
    test::gate ended;
    other = std::thread{[&] {
      begun.pass();
      of_the_other = signal_set::blocked();
      ended.open();
    }};
    const subset_guard off{{SIGUSR1}};
    begun.open();
    ended.pass();
  }
  other.join();
  BOOST_TEST(of_the_other.empty());
}

BOOST_AUTO_TEST_CASE(it_makes_two_system_calls) {
  BOOST_TEST(test::count_system_calls([] { const subset_guard off{{SIGUSR1}}; }) == 2);
  BOOST_TEST(test::count_system_calls([] { return sigsafe::lazy::guard{}; },
                                      [](auto&) { const subset_guard off{{SIGUSR1}}; }) == 2);
}

BOOST_AUTO_TEST_CASE(it_neither_copies_nor_moves_and_takes_eight_bytes) {
  BOOST_TEST(
      (!std::is_copy_constructible_v<subset_guard> && !std::is_move_constructible_v<subset_guard>));
  BOOST_TEST(
      (!std::is_copy_assignable_v<subset_guard> && !std::is_move_assignable_v<subset_guard>));
  BOOST_TEST((std::is_nothrow_constructible_v<subset_guard, signal_set>));
#if !SIGSAFE_CHECKED
  BOOST_TEST(sizeof(subset_guard) == 8U);
#endif
}

BOOST_AUTO_TEST_SUITE_END()
