// The rules of the lazy protocol (docs/explanation/lazy-masking.md), each by its number.
#include <boost/test/unit_test.hpp>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/src/mask.hpp>

#include <errno.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include <tests/support/child.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/signals.hpp>
#include <tests/support/syscalls.hpp>

namespace {

using namespace std::chrono_literals;

using sigsafe::signal_info;
using sigsafe::signal_set;
using sigsafe::detail::current_thread;

using test::added;
using test::arrived;
using test::block;
using test::everything_blocked;
using test::has_deferred;
using test::holds;
using test::in_child;
using test::in_resting_child;
using test::is_at_rest;
using test::named;
using test::panics;
using test::queue;
using test::send;
using test::unblock;

using noting = sigsafe::handler<test::note_arrival>;

constexpr signal_set maskable = signal_set::maskable();
const int real_time = SIGRTMIN + 3;

/// What the holds of these tests protect.
constinit sigsafe::lazy::raw_mutex<> lazy_lock;
constinit sigsafe::lazy::mutex<int> lazy_mutex;
constinit sigsafe::lazy::ref_cell<int> lazy_cell;
constinit sigsafe::mutex<int> eager_mutex;
constinit sigsafe::ref_cell<int> eager_cell;

/// Lets in what is pending of a set, once.
void sleep_for_a_moment(signal_set blocked) noexcept {
  const sigset_t mask = blocked.native();
  constexpr timespec at_once{0, 0};
  ppoll(nullptr, 0, &at_once, &mask);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(lazy_rules)

// Rule 1: what a trampoline does around the user's handlers.

BOOST_AUTO_TEST_CASE(rule_1_a_handler_runs_with_the_whole_maskable_set_blocked) {
  BOOST_TEST(holds(in_resting_child([] {
    signal_set during;
    const auto look = [&]() noexcept { during = signal_set::blocked(); };
    const sigsafe::handler usr1{SIGUSR1, look};
    const sigsafe::handler fault{SIGSEGV, look};
    send(SIGUSR1);
    CHILD_REQUIRE(during == maskable);
    send(SIGSEGV);
    CHILD_REQUIRE(during == (maskable | signal_set{SIGSEGV}));
    during.clear();
    {
      const sigsafe::lazy::guard off;
      send(SIGUSR1);
    }
    CHILD_REQUIRE(during == maskable);
  })));
}

BOOST_AUTO_TEST_CASE(rule_1_errno_is_as_it_was_after_a_handler) {
  BOOST_TEST(holds(in_resting_child([] {
    const auto spoil = []() noexcept { errno = EBADF; };
    const sigsafe::handler usr1{SIGUSR1, spoil};
    const sigsafe::handler fault{SIGSEGV, spoil};
    errno = ERANGE;
    send(SIGUSR1);
    CHILD_REQUIRE(errno == ERANGE);
    send(SIGSEGV);
    CHILD_REQUIRE(errno == ERANGE);
    {
      const sigsafe::guard off;
      send(SIGUSR1);
    }
    CHILD_REQUIRE(errno == ERANGE);
    {
      const sigsafe::lazy::guard off;
      send(SIGUSR1);
    }
    CHILD_REQUIRE(errno == ERANGE);
  })));
}

BOOST_AUTO_TEST_CASE(rule_1_eager_is_one_higher_while_a_handler_runs) {
  BOOST_TEST(holds(in_resting_child([] {
    unsigned eager = 0;
    const auto look = [&]() noexcept { eager = current_thread().eager.load(); };
    const sigsafe::handler usr1{SIGUSR1, look};
    const sigsafe::handler fault{SIGSEGV, look};
    send(SIGUSR1);
    CHILD_REQUIRE(std::exchange(eager, 0) == 1);
    send(SIGSEGV);
    CHILD_REQUIRE(std::exchange(eager, 0) == 1);
    {
      const sigsafe::guard off;
      send(SIGSEGV);
      CHILD_REQUIRE(std::exchange(eager, 0) == 2);
    }
    {
      const sigsafe::lazy::guard off;
      send(SIGUSR1);
    }
    CHILD_REQUIRE(eager == 2);  // the release that dispatches counts too
  })));
}

BOOST_AUTO_TEST_CASE(
    rule_1_an_eager_guard_inside_a_handler_makes_no_system_call_and_opens_nothing) {
  const auto calls_of_signal = [](auto function) {
    return test::count_system_calls([=] { return sigsafe::handler{SIGUSR1, function}; },
                                    [](auto&) { send(SIGUSR1); });
  };
  const long without = calls_of_signal([]() noexcept {});
  BOOST_TEST(calls_of_signal([]() noexcept { const sigsafe::guard off; }) == without);

  BOOST_TEST(holds(in_resting_child([] {
    const noting usr2{SIGUSR2, {}};
    const sigsafe::handler usr1{SIGUSR1, []() noexcept {
                                  { const sigsafe::guard off; }
                                  CHILD_REQUIRE(everything_blocked());
                                  send(SIGUSR2);
                                  CHILD_REQUIRE(arrived.size() == 0);
                                }};
    send(SIGUSR1);
    CHILD_REQUIRE(arrived.are({SIGUSR2}));
  })));
}

// Rule 2: a signal that comes too early.

BOOST_AUTO_TEST_CASE(rule_2_a_signal_that_arrives_while_held_runs_no_user_code) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    const auto is_held_off_by = [](auto begin) {
      {
        [[maybe_unused]] const auto hold = begin();
        send(SIGUSR1);
        CHILD_REQUIRE(arrived.size() == 0);
        CHILD_REQUIRE(has_deferred());
      }
      CHILD_REQUIRE(arrived.are({SIGUSR1}));
      arrived.clear();
    };
    is_held_off_by([] { return sigsafe::lazy::disable(); });
    is_held_off_by([] { return std::unique_lock{lazy_lock}; });
    is_held_off_by([] { return lazy_mutex.lock(); });
    is_held_off_by([] { return lazy_cell.borrow(); });
    is_held_off_by([] { return lazy_cell.borrow_mut(); });
  })));
}

BOOST_AUTO_TEST_CASE(rule_2_a_deferral_blocks_what_is_not_blocked_and_remembers_it) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    block({SIGHUP, SIGSEGV});
    const signal_set before = signal_set::blocked();
    {
      const sigsafe::lazy::guard off;
      send(SIGUSR1);
      CHILD_REQUIRE(signal_set::blocked() == (before | maskable));
      CHILD_REQUIRE(added() == maskable - before);
    }
    CHILD_REQUIRE(signal_set::blocked() == before);
    unblock({SIGHUP, SIGSEGV});
  })));
}

BOOST_AUTO_TEST_CASE(rule_2_a_deferred_signal_keeps_its_siginfo) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting queued{real_time, {}};
    const noting usr1{SIGUSR1, {}};
    {
      const sigsafe::lazy::guard off;
      queue(real_time, 42);
    }
    CHILD_REQUIRE(arrived.are({real_time}));
    CHILD_REQUIRE(arrived.have_values({42}));
    arrived.clear();
    {
      const sigsafe::lazy::guard off;
      send(SIGUSR1);
    }
    CHILD_REQUIRE(arrived.are({SIGUSR1}));
    CHILD_REQUIRE(arrived[0].si_code == SI_TKILL);
    CHILD_REQUIRE(arrived[0].si_pid == getpid());
  })));
}

BOOST_AUTO_TEST_CASE(rule_2_only_the_kernels_8_bytes_of_the_interrupted_mask_are_written) {
  BOOST_TEST(holds(in_resting_child([] {
    static ucontext_t context;
    std::memset(&context, 0x5a, sizeof(context));
    unsigned char expected[sizeof(context)];
    std::memcpy(expected, &context, sizeof(context));
    const signal_set blocked = signal_set{SIGHUP} | signal_set::blocked();
    const std::uint64_t open = blocked.bits();
    const std::uint64_t all_blocked = (blocked | maskable).bits();
    std::memcpy(&context.uc_sigmask, &open, sizeof(open));
    std::memcpy(expected + offsetof(ucontext_t, uc_sigmask), &all_blocked, sizeof(all_blocked));
    {
      const sigsafe::lazy::guard off;
      sigsafe::detail::close_mask_of(&context);
      CHILD_REQUIRE(std::memcmp(&context, expected, sizeof(context)) == 0);
      CHILD_REQUIRE(added() == maskable - blocked);
      current_thread().added.store(0);
    }
  })));
}

BOOST_AUTO_TEST_CASE(rule_2_behind_a_foreign_handler_a_second_signal_is_queued_again_as_it_was) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting queued{real_time, {}};
    test::install_foreign(SIGHUP, [](int) { queue(real_time, 1); });
    const signal_set before = signal_set::blocked();
    {
      const sigsafe::lazy::guard off;
      send(SIGHUP);  // its return puts the program mask back
      CHILD_REQUIRE(has_deferred());
      CHILD_REQUIRE(signal_set::blocked() == before);
      queue(real_time, 2);
      CHILD_REQUIRE(current_thread().info.si_value.sival_int == 1);
      CHILD_REQUIRE(arrived.size() == 0);
      CHILD_REQUIRE(everything_blocked());
      CHILD_REQUIRE(signal_set::pending() == signal_set{real_time});
    }
    CHILD_REQUIRE(arrived.have_values({1, 2}));
  })));
}

BOOST_AUTO_TEST_CASE(rule_2_when_the_user_unblocks_a_second_signal_is_queued_again) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting queued{real_time, {}};
    const noting usr1{SIGUSR1, {}};
    {
      const sigsafe::lazy::guard off;
      queue(real_time, 1);
      queue(real_time, 2);
      send(SIGUSR1);
      unblock(maskable);
      CHILD_REQUIRE(arrived.size() == 0);
      CHILD_REQUIRE(everything_blocked());
      CHILD_REQUIRE((signal_set::pending() == signal_set{real_time, SIGUSR1}));
      CHILD_REQUIRE(added().contains({real_time, SIGUSR1}));
      block({SIGWINCH});
    }
    CHILD_REQUIRE(arrived.are({real_time, SIGUSR1, real_time}));
    CHILD_REQUIRE(arrived[0].si_value.sival_int == 1);
    CHILD_REQUIRE(arrived[2].si_value.sival_int == 2);
    block({SIGWINCH});  // unblocked above, so the deferral had added it
  })));
}

BOOST_AUTO_TEST_CASE(rule_2_a_signal_that_cannot_be_queued_again_panics_and_names_the_limit) {
  BOOST_TEST(panics(in_child([] {
                      const noting queued{real_time, {}};
                      const sigsafe::lazy::guard off;
                      queue(real_time, 1);
                      queue(real_time, 2);
                      const rlimit none{0, 0};
                      CHILD_REQUIRE(setrlimit(RLIMIT_SIGPENDING, &none) == 0);
                      unblock({real_time});
                    }),
                    "RLIMIT_SIGPENDING"));
}

// Rule 3: a signal that runs at once.

BOOST_AUTO_TEST_CASE(rule_3_a_signal_that_arrives_while_nothing_is_held_runs_at_once) {
  BOOST_TEST(holds(in_resting_child([] {
    const void* context = nullptr;
    const sigsafe::handler usr1{SIGUSR1, [&](const signal_info& info) noexcept {
                                  context = info.context();
                                  arrived.add(info.native());
                                }};
    send(SIGUSR1);
    CHILD_REQUIRE(arrived.are({SIGUSR1}));
    CHILD_REQUIRE(context != nullptr);
    { const sigsafe::lazy::guard off; }
    send(SIGUSR1);
    CHILD_REQUIRE(arrived.are({SIGUSR1, SIGUSR1}));
  })));
}

BOOST_AUTO_TEST_CASE(rule_3_a_signal_that_is_not_maskable_never_waits) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting fault{SIGSEGV, {}};
    const noting aborted{SIGABRT, {}};
    const noting usr1{SIGUSR1, {}};
    {
      const sigsafe::lazy::guard off;
      send(SIGSEGV);
      CHILD_REQUIRE(arrived.are({SIGSEGV}));
      CHILD_REQUIRE(!has_deferred() && added().empty());
      send(SIGUSR1);
      send(SIGABRT);
      CHILD_REQUIRE(arrived.are({SIGSEGV, SIGABRT}));
      CHILD_REQUIRE(has_deferred());
    }
    CHILD_REQUIRE(arrived.are({SIGSEGV, SIGABRT, SIGUSR1}));
  })));
}

// Rule 4: the release of a hold.

BOOST_AUTO_TEST_CASE(rule_4_only_the_last_release_dispatches_in_whatever_order_they_come) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    std::array order{0, 1, 2, 3, 4};
    do {
      auto locked = lazy_mutex.lock();
      std::unique_lock lock{lazy_lock};
      auto borrowed = std::optional{lazy_cell.borrow()};
      auto eager = eager_mutex.lock();
      auto eager_borrow = std::optional{eager_cell.borrow_mut()};
      send(SIGUSR1);
      for (int hold : order) {
        CHILD_REQUIRE(arrived.size() == 0);
        CHILD_REQUIRE(everything_blocked());
        switch (hold) {
          case 0: locked.unlock(); break;
          case 1: lock.unlock(); break;
          case 2: borrowed.reset(); break;
          case 3: eager.unlock(); break;
          default: eager_borrow.reset();
        }
      }
      CHILD_REQUIRE(arrived.are({SIGUSR1}));
      CHILD_REQUIRE(is_at_rest() && !everything_blocked());
      arrived.clear();
    } while (std::next_permutation(order.begin(), order.end()));
  })));
}

BOOST_AUTO_TEST_CASE(rule_4_a_nested_guard_leaves_the_signal_to_the_outermost) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    {
      const sigsafe::lazy::guard outer;
      {
        const sigsafe::lazy::guard inner;
        send(SIGUSR1);
      }
      CHILD_REQUIRE(arrived.size() == 0);
      { const auto locked = lazy_mutex.lock(); }
      CHILD_REQUIRE(arrived.size() == 0);
    }
    CHILD_REQUIRE(arrived.are({SIGUSR1}));
  })));
}

BOOST_AUTO_TEST_CASE(rule_4_the_handlers_find_nothing_held_and_nothing_deferred) {
  BOOST_TEST(holds(in_resting_child([] {
    const auto look = [](const signal_info& info) noexcept {
      const auto& thread = current_thread();
      CHILD_REQUIRE(thread.held.load() == 0);
      CHILD_REQUIRE(thread.eager.load() == 2);
      CHILD_REQUIRE(!thread.has_deferred());
      CHILD_REQUIRE(everything_blocked());
      CHILD_REQUIRE(info.context() == nullptr);
      arrived.add(info.native());
    };
    const sigsafe::handler usr1{SIGUSR1, look};
    {
      const sigsafe::lazy::guard off;
      send(SIGUSR1);
    }
    {
      const auto locked = lazy_mutex.lock();
      send(SIGUSR1);
    }
    CHILD_REQUIRE(arrived.are({SIGUSR1, SIGUSR1}));
  })));
}

BOOST_AUTO_TEST_CASE(rule_4_what_the_kernel_queued_meanwhile_follows_each_once) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    const noting usr2{SIGUSR2, {}};
    const noting queued{real_time, {}};
    {
      const sigsafe::lazy::guard off;
      send(SIGUSR2);
      send(SIGUSR1);
      queue(real_time, 7);
      queue(real_time, 8);
    }
    CHILD_REQUIRE(arrived.size() == 4);
    CHILD_REQUIRE(arrived[0].si_signo == SIGUSR2);
    const auto count = [](int signal) {
      int found = 0;
      for (int i = 0; i < arrived.size(); ++i) found += arrived[i].si_signo == signal ? 1 : 0;
      return found;
    };
    CHILD_REQUIRE(count(SIGUSR1) == 1 && count(real_time) == 2);
  })));
}

BOOST_AUTO_TEST_CASE(rule_4_everything_is_blocked_even_when_a_foreign_handler_unblocked_it) {
  BOOST_TEST(holds(in_resting_child([] {
    const sigsafe::handler usr1{SIGUSR1, [](const signal_info& info) noexcept {
                                  CHILD_REQUIRE(everything_blocked());
                                  arrived.add(info.native());
                                  send(SIGUSR2);
                                  CHILD_REQUIRE(arrived.size() == 1);
                                }};
    const noting usr2{SIGUSR2, {}};
    test::install_foreign(SIGHUP, [](int) { send(SIGUSR1); });
    {
      const sigsafe::lazy::guard off;
      send(SIGHUP);
      CHILD_REQUIRE(!everything_blocked());
    }
    CHILD_REQUIRE(arrived.are({SIGUSR1, SIGUSR2}));
  })));
}

namespace {

/// A handler that unblocks real_time by itself, inside a guard of its own, and queues values to it:
/// the first is deferred, and that guard's release cannot dispatch it, because the handler still
/// runs.
void let_in_while_a_handler_runs(const signal_info& info) noexcept {
  arrived.add(info.native());
  {
    const sigsafe::lazy::guard off;
    unblock({real_time});
    for (int value = 1; value <= 3; ++value) queue(real_time, value);
    CHILD_REQUIRE(has_deferred());
  }
  CHILD_REQUIRE(has_deferred());
}

void check_what_was_let_in() {
  CHILD_REQUIRE(arrived.size() == 4);
  for (int i = 1; i < 4; ++i) {
    CHILD_REQUIRE(arrived[i].si_signo == real_time);
    CHILD_REQUIRE(arrived[i].si_value.sival_int == i);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(rule_4_what_a_handler_lets_in_follows_it_in_its_order) {
  BOOST_TEST(holds(in_resting_child([] {
    const sigsafe::handler usr1{SIGUSR1, let_in_while_a_handler_runs};
    const noting queued{real_time, {}};
    send(SIGUSR1);
    check_what_was_let_in();
  })));
}

BOOST_AUTO_TEST_CASE(rule_4_what_a_handler_lets_in_follows_its_dispatch_in_its_order) {
  BOOST_TEST(holds(in_resting_child([] {
    const sigsafe::handler usr1{SIGUSR1, let_in_while_a_handler_runs};
    const noting queued{real_time, {}};
    {
      const sigsafe::lazy::guard off;
      send(SIGUSR1);
    }
    check_what_was_let_in();
  })));
}

BOOST_AUTO_TEST_CASE(rule_4_a_signal_that_somebody_else_blocks_is_queued_again_as_it_was) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting queued{real_time, {}};
    block({real_time});
    {
      const sigsafe::lazy::guard off;
      queue(real_time, 5);
      sleep_for_a_moment({});  // the only moment at which it may come, and it comes too early
      CHILD_REQUIRE(has_deferred());
      CHILD_REQUIRE(!added().contains(real_time));
    }
    CHILD_REQUIRE(arrived.size() == 0);
    CHILD_REQUIRE(is_at_rest());
    CHILD_REQUIRE(signal_set::pending() == signal_set{real_time});
    CHILD_REQUIRE((signal_set::blocked() == signal_set{real_time, SIGWINCH}));
    unblock({real_time});
    CHILD_REQUIRE(arrived.have_values({5}));
  })));
}

// Rules 6 and 7: eager holds.

BOOST_AUTO_TEST_CASE(rule_11_an_eager_hold_blocks_what_is_not_blocked_and_remembers_it) {
  BOOST_TEST(holds(in_resting_child([] {
    block({SIGHUP});
    const signal_set before = signal_set::blocked();
    {
      const sigsafe::guard off;
      CHILD_REQUIRE(signal_set::blocked() == (before | maskable));
      CHILD_REQUIRE(added() == maskable - before);
      {
        const auto locked = eager_mutex.lock();
        CHILD_REQUIRE(added() == maskable - before);
        CHILD_REQUIRE(current_thread().eager.load() == 2);
      }
      CHILD_REQUIRE(everything_blocked());
    }
    CHILD_REQUIRE(signal_set::blocked() == before);
    unblock({SIGHUP});
  })));
}

BOOST_AUTO_TEST_CASE(rule_11_nested_eager_holds_make_no_system_calls) {
  const auto outermost = [] { const sigsafe::guard off; };
  const auto nested = [] {
    const sigsafe::guard outer;
    const sigsafe::guard inner;
    const auto locked = eager_mutex.lock();
    const auto borrowed = eager_cell.borrow();
  };
  BOOST_TEST(test::count_system_calls(outermost) == 2);
  BOOST_TEST(test::count_system_calls(nested) == 2);
}

BOOST_AUTO_TEST_CASE(rule_11_added_is_a_union_and_keeps_what_a_deferral_added) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    const sigsafe::lazy::guard off;
    send(SIGUSR1);
    const signal_set by_deferral = added();
    {
      const sigsafe::guard eager;
      CHILD_REQUIRE(added() == by_deferral);
    }
    unblock({SIGHUP});
    {
      const sigsafe::guard eager;
      CHILD_REQUIRE(added() == by_deferral);
      CHILD_REQUIRE(everything_blocked());
    }
    CHILD_REQUIRE(everything_blocked());
  })));
}

BOOST_AUTO_TEST_CASE(rule_11_an_eager_release_leaves_a_deferral_to_whoever_still_holds) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    const noting usr2{SIGUSR2, {}};
    {
      const sigsafe::lazy::guard off;
      send(SIGUSR1);
      { const sigsafe::guard eager; }
      CHILD_REQUIRE(has_deferred() && everything_blocked());
      {
        const sigsafe::guard eager;
        send(SIGUSR2);
      }
      CHILD_REQUIRE(arrived.size() == 0);
      CHILD_REQUIRE(has_deferred() && everything_blocked());
    }
    CHILD_REQUIRE(arrived.are({SIGUSR1, SIGUSR2}));
  })));
}

BOOST_AUTO_TEST_CASE(
    rule_11_an_eager_release_inside_a_lazy_hold_unblocks_when_nothing_is_deferred) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    const sigsafe::lazy::guard off;
    {
      const sigsafe::guard eager;
      send(SIGUSR1);
      CHILD_REQUIRE(!has_deferred());
    }
    CHILD_REQUIRE(has_deferred());  // it came when it was unblocked, and waits for the lazy guard
    CHILD_REQUIRE(arrived.size() == 0);
  })));
}

BOOST_AUTO_TEST_CASE(rule_11_an_eager_hold_that_outlives_the_lazy_one_dispatches) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    auto lazy = std::make_unique<sigsafe::lazy::guard>();
    send(SIGUSR1);
    auto eager = std::make_unique<sigsafe::guard>();
    lazy.reset();
    CHILD_REQUIRE(arrived.size() == 0);
    eager.reset();
    CHILD_REQUIRE(arrived.are({SIGUSR1}));
  })));
}

// Rule 11: subset guards.

BOOST_AUTO_TEST_CASE(rule_11_what_a_subset_guard_names_stays_blocked_behind_a_dispatch) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    const noting usr2{SIGUSR2, {}};
    const noting hup{SIGHUP, {}};
    block({SIGHUP});
    auto lazy = std::make_unique<sigsafe::lazy::guard>();
    send(SIGUSR1);
    const signal_set by_deferral = added();
    auto subset = std::make_unique<sigsafe::subset_guard>(signal_set{SIGUSR2, SIGHUP});
    CHILD_REQUIRE(added() == by_deferral);  // SIGHUP is the program's
    lazy.reset();                           // its release unblocks nothing that is named
    CHILD_REQUIRE(added() == signal_set{SIGUSR2});
    CHILD_REQUIRE(arrived.are({SIGUSR1}));
    CHILD_REQUIRE((signal_set::blocked() == signal_set{SIGWINCH, SIGHUP, SIGUSR2}));
    send(SIGUSR2);
    send(SIGHUP);
    CHILD_REQUIRE(arrived.are({SIGUSR1}));
    subset.reset();
    CHILD_REQUIRE(arrived.are({SIGUSR1, SIGUSR2}));
    CHILD_REQUIRE((signal_set::blocked() == signal_set{SIGWINCH, SIGHUP}));
    unblock({SIGHUP});
    CHILD_REQUIRE(arrived.are({SIGUSR1, SIGUSR2, SIGHUP}));
  })));
}

BOOST_AUTO_TEST_CASE(rule_11_a_subset_guard_released_inside_an_eager_one_unblocks_nothing) {
  BOOST_TEST(holds(in_resting_child([] {
    const sigsafe::guard eager;
    const signal_set mine = added();
    {
      const sigsafe::subset_guard subset{signal_set{SIGUSR1}};
      CHILD_REQUIRE(named() == signal_set{SIGUSR1});
    }
    CHILD_REQUIRE(named().empty());
    CHILD_REQUIRE(added() == mine && everything_blocked());
  })));
}

BOOST_AUTO_TEST_CASE(rule_11_a_subset_guard_that_outlives_an_eager_one_keeps_its_signals) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    auto eager = std::make_unique<sigsafe::guard>();
    auto subset = std::make_unique<sigsafe::subset_guard>(signal_set{SIGUSR1});
    eager.reset();
    CHILD_REQUIRE(added() == signal_set{SIGUSR1});
    CHILD_REQUIRE((signal_set::blocked() == signal_set{SIGWINCH, SIGUSR1}));
    send(SIGUSR1);
    CHILD_REQUIRE(arrived.size() == 0);
    subset.reset();
    CHILD_REQUIRE(arrived.are({SIGUSR1}));
  })));
}

BOOST_AUTO_TEST_CASE(rule_11_a_subset_guard_released_after_a_deferral_unblocks_nothing) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    const sigsafe::lazy::guard lazy;
    {
      const sigsafe::subset_guard subset{signal_set{SIGUSR2}};
      send(SIGUSR1);
      CHILD_REQUIRE(added().contains(SIGUSR2));
    }
    CHILD_REQUIRE(added().contains(SIGUSR2));
    CHILD_REQUIRE(everything_blocked());
  })));
}

BOOST_AUTO_TEST_CASE(rule_11_a_signal_stays_blocked_until_the_last_guard_that_names_it) {
  const auto release_in_any_order = [](bool first_first) {
    return in_resting_child([=] {
      const noting usr1{SIGUSR1, {}};
      std::optional<sigsafe::subset_guard> a{signal_set{SIGUSR1, SIGUSR2}};
      std::optional<sigsafe::subset_guard> b{signal_set{SIGUSR1}};
      send(SIGUSR1);
      (first_first ? a : b).reset();
      CHILD_REQUIRE(arrived.size() == 0);
      CHILD_REQUIRE(signal_set::blocked().contains(SIGUSR1));
      (first_first ? b : a).reset();
      CHILD_REQUIRE(arrived.are({SIGUSR1}));
    });
  };
  BOOST_TEST(holds(release_in_any_order(true)));
  BOOST_TEST(holds(release_in_any_order(false)));
}

BOOST_AUTO_TEST_CASE(rule_11_more_guards_of_one_signal_than_can_be_counted_panic) {
  BOOST_TEST(panics(in_child([] {
                      for (int i = 0; i < 65'536; ++i)
                        ::new (std::malloc(sizeof(sigsafe::subset_guard)))
                            sigsafe::subset_guard{signal_set{SIGUSR1}};
                    }),
                    "more than 65,535 subset guards"));
}

BOOST_AUTO_TEST_CASE(rule_11_a_dispatch_gives_a_named_signal_back_to_the_process) {
  BOOST_TEST(holds(in_child([] {
    std::atomic<pthread_t> ran_on{};
    const sigsafe::handler term{SIGTERM, [&]() noexcept { ran_on = pthread_self(); }};
    std::optional locked{lazy_mutex.lock()};
    kill(getpid(), SIGTERM);  // this is the only thread
    CHILD_REQUIRE(has_deferred());
    const sigsafe::subset_guard subset{signal_set{SIGTERM}};
    std::thread free{[&] {
      unblock({SIGTERM});
      while (ran_on.load() == pthread_t{}) sched_yield();
      CHILD_REQUIRE(ran_on.load() == pthread_self());
    }};
    locked.reset();
    free.join();
  })));
}

// A jump out of a foreign handler, which is not supported, leaves this behind.
BOOST_AUTO_TEST_CASE(rule_5_a_wait_dispatches_whatever_was_left_behind) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    {
      sigsafe::lazy::guard off;
      current_thread().resumed.store(1);
      send(SIGUSR1);
      off.wait();
      CHILD_REQUIRE(arrived.are({SIGUSR1}));
      send(SIGUSR1);
    }
    CHILD_REQUIRE(arrived.are({SIGUSR1, SIGUSR1}));
  })));
}

BOOST_AUTO_TEST_CASE(rule_12_what_wait_dispatches_finds_nothing_held) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr2{SIGUSR2, {}};
    const sigsafe::handler usr1{SIGUSR1, []() noexcept {
                                  unblock({SIGUSR2});
                                  send(SIGUSR2);  // as it does in a handler that no guard defers
                                  CHILD_REQUIRE(arrived.are({SIGUSR2}));
                                }};
    sigsafe::lazy::guard off;
    send(SIGUSR1);
    off.wait();
    CHILD_REQUIRE(arrived.are({SIGUSR2}));
  })));
}

// Rule 15: what is given back goes to where it came from.

namespace {

// What waits for the process is seen by every thread, what waits for a thread by that one alone.
bool is_given_back_to_the_process(int signal, void (*send_it)(int)) {
  const noting handler{signal, {}};
  std::optional locked{lazy_mutex.lock()};
  send_it(signal);  // this is the only thread
  CHILD_REQUIRE(has_deferred());
  const sigsafe::subset_guard subset{signal_set{signal}};
  locked.reset();
  CHILD_REQUIRE(signal_set::pending().contains(signal));
  bool others_see_it = false;
  std::thread{[&] { others_see_it = signal_set::pending().contains(signal); }}.join();
  return others_see_it;
}

void by_kill(int signal) { kill(getpid(), signal); }
void by_sigqueue(int signal) { sigqueue(getpid(), signal, {}); }
void by_timer(int signal) {
  timer_t timer;
  sigevent to{};
  to.sigev_notify = SIGEV_SIGNAL;
  to.sigev_signo = signal;
  CHILD_REQUIRE(timer_create(CLOCK_MONOTONIC, &to, &timer) == 0);
  constexpr itimerspec once{{}, {0, 1}};
  timer_settime(timer, 0, &once, nullptr);
  while (!has_deferred()) sched_yield();
}

}  // namespace

BOOST_AUTO_TEST_CASE(rule_15_a_signal_of_the_process_goes_back_to_it) {
  BOOST_TEST(holds(in_resting_child([] {
    CHILD_REQUIRE(is_given_back_to_the_process(SIGTERM, by_kill));
    CHILD_REQUIRE(!is_given_back_to_the_process(SIGTERM, send));
  })));
}

BOOST_AUTO_TEST_CASE(rule_15_what_is_queued_stays_on_the_thread) {
  BOOST_TEST(holds(in_resting_child(
      [] { CHILD_REQUIRE(!is_given_back_to_the_process(SIGTERM, by_sigqueue)); })));
}

BOOST_AUTO_TEST_CASE(rule_15_what_a_timer_sends_stays_on_the_thread) {
  BOOST_TEST(holds(
      in_resting_child([] { CHILD_REQUIRE(!is_given_back_to_the_process(SIGTERM, by_timer)); })));
}

BOOST_AUTO_TEST_CASE(rule_15_a_real_time_signal_stays_on_the_thread) {
  BOOST_TEST(holds(
      in_resting_child([] { CHILD_REQUIRE(!is_given_back_to_the_process(real_time, by_kill)); })));
}

BOOST_AUTO_TEST_CASE(rule_15_what_the_thread_has_caused_stays_on_it) {
  BOOST_TEST(holds(in_resting_child([] {
    CHILD_REQUIRE(!is_given_back_to_the_process(SIGPIPE, by_kill));
    CHILD_REQUIRE(!is_given_back_to_the_process(SIGXFSZ, by_kill));
  })));
}

BOOST_AUTO_TEST_CASE(rule_11_a_subset_guard_inside_a_handler_unblocks_nothing) {
  BOOST_TEST(holds(in_resting_child([] {
    const auto look = []() noexcept {
      { const sigsafe::subset_guard subset{signal_set{SIGUSR1, SIGUSR2}}; }
      CHILD_REQUIRE(everything_blocked());
    };
    const sigsafe::handler usr1{SIGUSR1, look};
    send(SIGUSR1);
    const sigsafe::lazy::guard lazy;
    send(SIGUSR1);
  })));
}

BOOST_AUTO_TEST_CASE(rule_11_a_subset_guard_alone_blocks_its_signals_and_no_others) {
  BOOST_TEST(holds(in_resting_child([] {
    const sigsafe::subset_guard subset{signal_set{SIGUSR1, SIGSEGV, SIGWINCH}};
    CHILD_REQUIRE((signal_set::blocked() == signal_set{SIGUSR1, SIGWINCH}));
    CHILD_REQUIRE(added() == signal_set{SIGUSR1});
  })));
}

// Rule 7: what was added is taken out, instead of an old mask put back.

BOOST_AUTO_TEST_CASE(rule_7_what_the_user_blocked_before_stays_blocked) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    block({SIGHUP});
    { const sigsafe::guard eager; }
    CHILD_REQUIRE((signal_set::blocked() == signal_set{SIGWINCH, SIGHUP}));
    {
      const sigsafe::lazy::guard lazy;
      block({SIGTERM});  // before the deferral: so it is not added
      send(SIGUSR1);
    }
    CHILD_REQUIRE((signal_set::blocked() == signal_set{SIGWINCH, SIGHUP, SIGTERM}));
    unblock({SIGHUP, SIGTERM});
  })));
}

BOOST_AUTO_TEST_CASE(
    rule_7_a_block_by_the_user_after_the_signal_was_added_is_undone_by_the_release) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    {
      const sigsafe::lazy::guard lazy;
      send(SIGUSR1);
      block({SIGHUP});
    }
    CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGWINCH});
    {
      const sigsafe::guard eager;
      block({SIGHUP});
    }
    CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGWINCH});
  })));
}

BOOST_AUTO_TEST_CASE(rule_7_an_unblock_by_the_user_stays) {
  BOOST_TEST(holds(in_resting_child([] {
    block({SIGHUP});
    {
      const sigsafe::guard eager;
      unblock({SIGHUP});
    }
    CHILD_REQUIRE(signal_set::blocked() == signal_set{SIGWINCH});
  })));
}

// Rule 8: handlers leave the counts as they found them.

BOOST_AUTO_TEST_CASE(rule_8_a_lazy_hold_makes_no_system_call) {
  BOOST_TEST(test::count_system_calls([] {
               const sigsafe::lazy::guard off;
               const auto locked = lazy_mutex.lock();
               const auto borrowed = lazy_cell.borrow_mut();
             }) == 0);
}

// Rule 10: fork.

namespace {

struct fork_function {
  const char* name;
  pid_t (*call)();
};

const fork_function fork_functions[] = {
    {"fork", [] { return fork(); }},
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 34)
    {"_Fork", [] { return _Fork(); }},
#endif
    {"clone", [] { return static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }},
};

// In a child of a child: its exit status tells that all requirements hold.
[[noreturn]] void succeed() { _exit(0); }

void require_success(pid_t child) { CHILD_REQUIRE(test::status_of(child) == 0); }

}  // namespace

BOOST_AUTO_TEST_CASE(rule_12_after_a_fork_the_parent_dispatches_once_and_the_child_only_unblocks) {
  for (const fork_function& fork_by : fork_functions) {
    BOOST_TEST_CONTEXT(fork_by.name)
    BOOST_TEST(holds(in_resting_child([&] {
      const sigsafe::handler usr1{SIGUSR1, test::note_arrival{}, {.in_child = true}};
      const signal_set mask = signal_set::blocked();
      pid_t child;
      {
        const sigsafe::lazy::guard off;
        send(SIGUSR1);
        child = fork_by.call();
      }
      if (child == 0) {
        CHILD_REQUIRE(arrived.size() == 0);
        CHILD_REQUIRE(is_at_rest());
        CHILD_REQUIRE(signal_set::blocked() == mask);
        send(SIGUSR1);
        CHILD_REQUIRE(arrived.are({SIGUSR1}));
        succeed();
      }
      require_success(child);
      CHILD_REQUIRE(arrived.are({SIGUSR1}));
    })));
  }
}

BOOST_AUTO_TEST_CASE(
    rule_12_a_signal_to_the_child_at_once_arrives_once_at_the_release_of_its_guard) {
  for (const fork_function& fork_by : fork_functions) {
    BOOST_TEST_CONTEXT(fork_by.name)
    BOOST_TEST(holds(in_resting_child([&] {
      const sigsafe::handler usr1{SIGUSR1, test::note_arrival{}, {.in_child = true}};
      const sigsafe::handler queued{real_time, test::note_arrival{}, {.in_child = true}};
      pid_t child;
      {
        const sigsafe::lazy::guard off;
        send(SIGUSR1);
        child = fork_by.call();
        if (child == 0) {
          queue(real_time, 3);
          unblock(maskable);  // it finds the parent's deferral, and must not take its place
          CHILD_REQUIRE(arrived.size() == 0);
        }
      }
      if (child == 0) {
        CHILD_REQUIRE(arrived.have_values({3}));
        CHILD_REQUIRE(is_at_rest());
        succeed();
      }
      require_success(child);
      CHILD_REQUIRE(arrived.are({SIGUSR1}));
    })));
  }
}

BOOST_AUTO_TEST_CASE(rule_12_a_deferral_in_the_child_is_the_childs_own) {
  BOOST_TEST(holds(in_resting_child([] {
    const sigsafe::handler usr1{SIGUSR1, test::note_arrival{}, {.in_child = true}};
    const sigsafe::handler usr2{SIGUSR2, test::note_arrival{}, {.in_child = true}};
    const pid_t child = fork();
    if (child == 0) {
      pid_t grandchild;
      {
        const sigsafe::lazy::guard off;
        send(SIGUSR2);
        grandchild = fork();
      }
      if (grandchild == 0) {
        CHILD_REQUIRE(arrived.size() == 0);
        succeed();
      }
      CHILD_REQUIRE(arrived.are({SIGUSR2}));
      require_success(grandchild);
      succeed();
    }
    require_success(child);
    CHILD_REQUIRE(arrived.size() == 0);
  })));
}

BOOST_AUTO_TEST_CASE(rule_12_a_child_that_waits_after_a_deferral_of_the_parent_sleeps) {
  BOOST_TEST(holds(in_resting_child([] {
    const sigsafe::handler usr1{SIGUSR1, test::note_arrival{}, {.in_child = true}};
    pid_t child;
    {
      sigsafe::lazy::guard off;
      send(SIGUSR1);
      child = fork();
      if (child == 0) {
        CHILD_REQUIRE(!off.wait_for(0s));
        CHILD_REQUIRE(arrived.size() == 0);
      }
    }
    if (child == 0) {
      CHILD_REQUIRE(arrived.size() == 0 && is_at_rest());
      succeed();
    }
    require_success(child);
  })));
}

BOOST_AUTO_TEST_CASE(rule_12_a_deferral_makes_no_system_call) {
  const auto prepare = [] { return sigsafe::handler{SIGUSR1, []() noexcept {}}; };
  constexpr long calls_of_send = 3;
  constexpr long calls_of_return = 1;
  const long deferred_calls = test::count_system_calls(prepare, [](auto&) {
    const sigsafe::lazy::guard off;
    send(SIGUSR1);
  });
  BOOST_TEST(deferred_calls == calls_of_send + calls_of_return + 2);  // block and unblock
  const long direct_calls = test::count_system_calls(prepare, [](auto&) { send(SIGUSR1); });
  BOOST_TEST(direct_calls == calls_of_send + calls_of_return);
}

// Rule 12: wait.

BOOST_AUTO_TEST_CASE(rule_12_wait_runs_a_deferred_signal_and_does_not_sleep) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    sigsafe::lazy::guard off;
    send(SIGUSR1);
    off.wait();
    CHILD_REQUIRE(arrived.are({SIGUSR1}));
    CHILD_REQUIRE(!has_deferred() && added().empty() && !everything_blocked());
    send(SIGUSR1);  // it holds again
    CHILD_REQUIRE(arrived.are({SIGUSR1}));
    CHILD_REQUIRE(has_deferred());
  })));
}

BOOST_AUTO_TEST_CASE(rule_12_wait_holds_again_before_it_unblocks) {
  BOOST_TEST(holds(in_resting_child([] {
    const sigsafe::handler usr1{SIGUSR1, []() noexcept { send(SIGUSR2); }};
    const noting usr2{SIGUSR2, {}};
    {
      sigsafe::lazy::guard off;
      send(SIGUSR1);
      off.wait();  // SIGUSR2 waits to be unblocked, and finds the guard
      CHILD_REQUIRE(arrived.size() == 0);
      CHILD_REQUIRE(has_deferred() && everything_blocked());
    }
    CHILD_REQUIRE(arrived.are({SIGUSR2}));
  })));
}

BOOST_AUTO_TEST_CASE(rule_12_wait_lets_in_what_is_pending_and_stays_blocked_when_eager) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    sigsafe::guard off;
    const signal_set mine = added();
    send(SIGUSR1);
    off.wait();
    CHILD_REQUIRE(arrived.are({SIGUSR1}));
    CHILD_REQUIRE(everything_blocked() && added() == mine);
    send(SIGUSR1);
    CHILD_REQUIRE(arrived.are({SIGUSR1}));
    CHILD_REQUIRE(current_thread().eager.load() == 1 && current_thread().held.load() == 1);
  })));
}

BOOST_AUTO_TEST_CASE(rule_12_handlers_in_the_sleep_find_nothing_held) {
  BOOST_TEST(holds(in_resting_child([] {
    const sigsafe::handler either{
        {SIGUSR1, SIGRTMIN}, [](const signal_info& info) noexcept {
          const auto& thread = current_thread();
          CHILD_REQUIRE(thread.held.load() == 0);
          // Only one that the kernel delivers in the sleep finds the eager guard put aside.
          CHILD_REQUIRE(info.number() == SIGUSR1 || thread.eager.load() == 1);
          arrived.add(info.native());
        }};
    sigsafe::guard eager;
    send(SIGUSR1);
    eager.wait();
    send(SIGRTMIN);
    eager.wait();
    CHILD_REQUIRE(arrived.are({SIGUSR1, SIGRTMIN}));
  })));
}

BOOST_AUTO_TEST_CASE(rule_12_wait_leaves_blocked_what_the_user_or_a_subset_guard_blocks) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr1{SIGUSR1, {}};
    const noting usr2{SIGUSR2, {}};
    block({SIGUSR1});
    const auto stays_asleep = [](auto& off) {
      send(SIGUSR1);
      send(SIGUSR2);
      off.wait_for(0s);  // tells of handlers that ran before
      CHILD_REQUIRE(!off.wait_for(0s));
      CHILD_REQUIRE(arrived.size() == 0);
    };
    {
      const sigsafe::subset_guard subset{signal_set{SIGUSR2}};
      sigsafe::lazy::guard lazy;
      stays_asleep(lazy);
    }
    arrived.clear();
    {
      sigsafe::guard eager;
      const sigsafe::subset_guard subset{signal_set{SIGUSR2}};
      stays_asleep(eager);
    }
    CHILD_REQUIRE(arrived.are({SIGUSR2}));
    unblock({SIGUSR1});
    CHILD_REQUIRE(arrived.are({SIGUSR2, SIGUSR1}));
  })));
}

BOOST_AUTO_TEST_CASE(rule_12_wait_keeps_errno) {
  BOOST_TEST(holds(in_resting_child([] {
    const sigsafe::handler usr1{SIGUSR1, []() noexcept { errno = EBADF; }};
    errno = ERANGE;
    sigsafe::guard eager;
    send(SIGUSR1);
    eager.wait();
    CHILD_REQUIRE(errno == ERANGE);
  })));
}

BOOST_AUTO_TEST_CASE(rule_12_wait_inside_a_handler_panics) {
  const auto waits_in_handler = []<class Guard>(std::type_identity<Guard>) {
    return in_child([] {
      const sigsafe::handler usr1{SIGUSR1, []() noexcept {
                                    Guard off;
                                    off.wait();
                                  }};
      send(SIGUSR1);
    });
  };
  BOOST_TEST(
      panics(waits_in_handler(std::type_identity<sigsafe::guard>{}), "wait inside a handler"));
  BOOST_TEST(panics(waits_in_handler(std::type_identity<sigsafe::lazy::guard>{}),
                    "wait inside a handler"));
}

BOOST_AUTO_TEST_SUITE_END()
