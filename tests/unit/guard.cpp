// guard.hpp: basic_guard, disable, without. Sleeping inside a guard is in guard_wait.cpp.
#include <boost/test/unit_test.hpp>

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <stdexcept>
#include <thread>
#include <type_traits>

#include <sigsafe/backend/none.hpp>
#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>

#include <tests/support/arrivals.hpp>
#include <tests/support/backends.hpp>
#include <tests/support/broken_backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/syscalls.hpp>

namespace {

namespace backend = sigsafe::backend;
using sigsafe::basic_guard;
using sigsafe::signal_set;
using test::child_end;
using test::counter;
using test::in_child;

template <class B>
child_end a_signal_inside_is_handled_before_the_next_statement_after_the_end() {
  return in_child([] {
    const counter usr1{SIGUSR1};
    {
      const basic_guard<B> off;
      raise(SIGUSR1);
      CHILD_REQUIRE(usr1.runs() == 0);
    }
    CHILD_REQUIRE(usr1.runs() == 1);
  });
}

template <class B>
child_end nested_guards_enable_only_at_the_outermost_release() {
  return in_child([] {
    const counter usr1{SIGUSR1};
    {
      const basic_guard<B> outer;
      {
        const basic_guard<B> inner;
        raise(SIGUSR1);
      }
      CHILD_REQUIRE(usr1.runs() == 0);
      { const basic_guard<B> another; }
      CHILD_REQUIRE(usr1.runs() == 0);
    }
    CHILD_REQUIRE(usr1.runs() == 1);
  });
}

template <class B>
child_end the_mask_afterwards_is_the_mask_before() {
  return in_child([] {
    const counter usr1{SIGUSR1};
    for (const signal_set before :
         {signal_set{}, signal_set{SIGUSR2}, signal_set{SIGTERM, SIGHUP, SIGRTMIN, SIGSEGV},
          signal_set::maskable(), signal_set::all() - signal_set{SIGKILL, SIGSTOP, SIGUSR1}}) {
      const sigset_t mask = before.native();
      pthread_sigmask(SIG_SETMASK, &mask, nullptr);
      for (const int raised : {0, SIGUSR1}) {
        {
          const basic_guard<B> outer;
          const basic_guard<B> inner;
          if (raised != 0) raise(raised);
        }
        CHILD_REQUIRE(signal_set::blocked() == before);
      }
    }
  });
}

template <class B>
child_end errno_is_kept() {
  return in_child([] {
    const sigsafe::handler usr1{SIGUSR1, []() noexcept { errno = EINTR; }};
    for (const bool deferred : {false, true}) {
      errno = ENOTTY;
      {
        const basic_guard<B> off;
        CHILD_REQUIRE(errno == ENOTTY);
        if (deferred) raise(SIGUSR1);
        errno = EDOM;
      }
      CHILD_REQUIRE(errno == EDOM);
    }
  });
}

template <class B>
child_end a_guard_in_a_handler_does_not_enable() {
  return in_child([] {
    const counter usr2{SIGUSR2};
    int usr2_inside = 0;
    const sigsafe::handler usr1{SIGUSR1, [&]() noexcept {
                                  raise(SIGUSR2);
                                  { const basic_guard<B> off; }
                                  usr2_inside = usr2.runs();
                                }};
    raise(SIGUSR1);
    CHILD_REQUIRE(usr2_inside == 0);
    CHILD_REQUIRE(usr2.runs() == 1);
    {
      const basic_guard<B> off;
      raise(SIGUSR1);
    }
    CHILD_REQUIRE(usr2_inside == 1);
    CHILD_REQUIRE(usr2.runs() == 2);
  });
}

/// A page that cannot be written: a true fault that sanitizers do not see coming.
char* forbidden_page() {
  return static_cast<char*>(mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

template <class B>
child_end a_fault_inside_reaches_its_handler() {
  return in_child([] {
    char* const forbidden = forbidden_page();
    const sigsafe::handler crash{SIGSEGV, [=](const sigsafe::signal_info& info) noexcept {
                                   const auto fault = info.faulted();
                                   CHILD_REQUIRE(fault.has_value());
                                   CHILD_REQUIRE(fault->address == forbidden);
                                   _exit(0);
                                 }};
    const basic_guard<B> off;
    *const_cast<volatile char*>(forbidden) = 1;
    test::fail_child(__FILE__, __LINE__, "the fault is not survived");
  });
}

using eager_and_lazy = std::tuple<std::tuple<backend::posix, backend::lazy>,
                                  std::tuple<backend::lazy, backend::posix>>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(guard, test::clean_thread)

BOOST_AUTO_TEST_CASE_TEMPLATE(interrupts_are_disabled_while_it_lives, B, test::hosted_backends) {
  BOOST_TEST(B::enabled());
  {
    const basic_guard<B> off;
    BOOST_TEST(!B::enabled());
  }
  BOOST_TEST(B::enabled());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_signal_inside_is_handled_before_the_next_statement, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(a_signal_inside_is_handled_before_the_next_statement_after_the_end<B>()));
}

BOOST_AUTO_TEST_CASE(guards_that_disable_or_enable_nothing_are_caught) {
  BOOST_TEST(test::is_caught(
      a_signal_inside_is_handled_before_the_next_statement_after_the_end<backend::none>()));
  BOOST_TEST(test::is_caught(a_signal_inside_is_handled_before_the_next_statement_after_the_end<
                             test::never_opens<test::flat_backend>>()));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_signal_outside_is_handled_at_once, B, test::hosted_backends) {
  const counter usr1{SIGUSR1};
  { const basic_guard<B> off; }
  raise(SIGUSR1);
  BOOST_TEST(usr1.runs() == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(nested_guards_enable_only_at_the_outermost_release, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(::nested_guards_enable_only_at_the_outermost_release<B>()));
}

BOOST_AUTO_TEST_CASE(an_inner_guard_that_enables_is_caught) {
  const child_end end =
      ::nested_guards_enable_only_at_the_outermost_release<test::opens_everything>();
  BOOST_TEST(test::is_caught(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(eager_and_lazy_guards_nest_in_either_order, Pair, eager_and_lazy) {
  using outer_backend = std::tuple_element_t<0, Pair>;
  using inner_backend = std::tuple_element_t<1, Pair>;
  const counter usr1{SIGUSR1};
  for (const bool raised_inside : {true, false}) {
    const int before = usr1.runs();
    {
      const basic_guard<outer_backend> outer;
      if (!raised_inside) raise(SIGUSR1);
      {
        const basic_guard<inner_backend> inner;
        if (raised_inside) raise(SIGUSR1);
        BOOST_TEST(!inner_backend::enabled());
      }
      BOOST_TEST(usr1.runs() == before);
      BOOST_TEST(!outer_backend::enabled());
    }
    BOOST_TEST(usr1.runs() == before + 1);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_function_can_return_one, B, test::hosted_backends) {
  const counter usr1{SIGUSR1};
  const auto make = [] { return basic_guard<B>{}; };
  {
    const auto off = make();
    raise(SIGUSR1);
    BOOST_TEST(usr1.runs() == 0);
  }
  BOOST_TEST(usr1.runs() == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(disable_returns_one, B, test::hosted_backends) {
  const counter usr1{SIGUSR1};
  {
    const auto off = sigsafe::disable<B>();
    static_assert(std::is_same_v<decltype(off), const basic_guard<B>>);
    raise(SIGUSR1);
    BOOST_TEST(usr1.runs() == 0);
  }
  BOOST_TEST(usr1.runs() == 1);
}

BOOST_AUTO_TEST_CASE(the_short_names_are_the_two_hosted_backends) {
  BOOST_TEST((std::is_same_v<sigsafe::guard, basic_guard<backend::posix>>));
  BOOST_TEST((std::is_same_v<sigsafe::lazy::guard, basic_guard<backend::lazy>>));
  BOOST_TEST((std::is_same_v<decltype(sigsafe::disable()), sigsafe::guard>));
  BOOST_TEST((std::is_same_v<decltype(sigsafe::lazy::disable()), sigsafe::lazy::guard>));
  BOOST_TEST(sigsafe::lazy::without([] { return !backend::lazy::enabled(); }));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_neither_copies_nor_moves, B, test::hosted_backends) {
  BOOST_TEST(!std::is_copy_constructible_v<basic_guard<B>>);
  BOOST_TEST(!std::is_move_constructible_v<basic_guard<B>>);
  BOOST_TEST(!std::is_copy_assignable_v<basic_guard<B>>);
  BOOST_TEST(!std::is_move_assignable_v<basic_guard<B>>);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_is_neither_taken_nor_released_by_exception, B,
                              test::hosted_backends) {
  BOOST_TEST(std::is_nothrow_default_constructible_v<basic_guard<B>>);
  BOOST_TEST(std::is_nothrow_destructible_v<basic_guard<B>>);
  BOOST_TEST(noexcept(sigsafe::disable<B>()));
}

#if !SIGSAFE_CHECKED
BOOST_AUTO_TEST_CASE(it_is_as_small_as_the_state_of_its_backend) {
  BOOST_TEST(sizeof(basic_guard<backend::posix>) == 1U);
  BOOST_TEST(sizeof(basic_guard<backend::lazy>) == sizeof(unsigned));
  BOOST_TEST(sizeof(basic_guard<backend::none>) == 1U);
}
#endif

BOOST_AUTO_TEST_CASE_TEMPLATE(the_mask_is_unchanged_afterwards, B, test::hosted_backends) {
  BOOST_TEST(test::holds(the_mask_afterwards_is_the_mask_before<B>()));
}

BOOST_AUTO_TEST_CASE(a_guard_that_unblocks_what_the_program_blocked_is_caught) {
  BOOST_TEST(test::is_caught(the_mask_afterwards_is_the_mask_before<test::opens_everything>()));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_signal_that_the_program_blocks_waits_beyond_the_release, B,
                              test::hosted_backends) {
  const counter usr1{SIGUSR1};
  const sigset_t only_usr1 = signal_set{SIGUSR1}.native();
  pthread_sigmask(SIG_BLOCK, &only_usr1, nullptr);
  {
    const basic_guard<B> off;
    raise(SIGUSR1);
  }
  BOOST_TEST(usr1.runs() == 0);
  BOOST_TEST((signal_set::pending() == signal_set{SIGUSR1}));
  pthread_sigmask(SIG_UNBLOCK, &only_usr1, nullptr);
  BOOST_TEST(usr1.runs() == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_signals_of_the_c_library_stay_unblocked, B,
                              test::hosted_backends) {
  const counter usr1{SIGUSR1};
  std::uint64_t inside = 0;
  {
    const basic_guard<B> off;
    raise(SIGUSR1);  // makes the lazy one change the mask too
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, nullptr, &inside, sizeof(inside));
  }
  BOOST_TEST((signal_set::from_bits(inside) == signal_set::maskable()));
  BOOST_TEST(usr1.runs() == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(errno_is_kept, B, test::hosted_backends) {
  BOOST_TEST(test::holds(::errno_is_kept<B>()));
}

BOOST_AUTO_TEST_CASE(a_guard_that_changes_errno_is_caught) {
  BOOST_TEST(test::is_caught(::errno_is_kept<test::loses_errno>()));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(queued_signals_all_arrive_in_their_order, B, test::hosted_backends) {
  int values[8] = {};
  int arrived = 0;
  const sigsafe::handler queued{SIGRTMIN, [&](const sigsafe::signal_info& info) noexcept {
                                  if (arrived < 8) values[arrived] = info.value()->sival_int;
                                  ++arrived;
                                }};
  {
    const basic_guard<B> off;
    for (int i = 0; i < 8; ++i) sigqueue(getpid(), SIGRTMIN, {.sival_int = i});
    BOOST_TEST(arrived == 0);
  }
  BOOST_TEST(arrived == 8);
  for (int i = 0; i < 8; ++i) BOOST_TEST(values[i] == i);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(different_signals_inside_all_arrive, B, test::hosted_backends) {
  const counter hup{SIGHUP};
  const counter usr1{SIGUSR1};
  const counter usr2{SIGUSR2};
  const counter real_time{SIGRTMAX};
  {
    const basic_guard<B> off;
    raise(SIGUSR2);
    raise(SIGRTMAX);
    raise(SIGHUP);
    raise(SIGUSR1);
  }
  BOOST_TEST(hup.runs() == 1);
  BOOST_TEST(usr1.runs() == 1);
  BOOST_TEST(usr2.runs() == 1);
  BOOST_TEST(real_time.runs() == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_belongs_to_its_thread, B, test::hosted_backends) {
  const counter usr1{SIGUSR1};
  {
    const basic_guard<B> off;
    bool enabled = false;
    std::thread{[&] {
      enabled = B::enabled();
      // A thread inherits the mask of the one that starts it; this one unblocks its own.
      const sigset_t only_usr1 = signal_set{SIGUSR1}.native();
      pthread_sigmask(SIG_UNBLOCK, &only_usr1, nullptr);
      raise(SIGUSR1);
    }}.join();
    BOOST_TEST(enabled);
    BOOST_TEST(usr1.runs() == 1);
    BOOST_TEST(!B::enabled());
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(interrupts_are_disabled_inside_a_handler, B, test::hosted_backends) {
  bool enabled = true;
  bool enabled_after_a_guard = true;
  const sigsafe::handler usr1{SIGUSR1, [&]() noexcept {
                                enabled = B::enabled();
                                { const basic_guard<B> off; }
                                enabled_after_a_guard = B::enabled();
                              }};
  raise(SIGUSR1);
  BOOST_TEST(!enabled);
  BOOST_TEST(!enabled_after_a_guard);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_guard_in_a_handler_does_not_let_the_next_signal_in, B,
                              test::hosted_backends) {
  BOOST_TEST(test::holds(a_guard_in_a_handler_does_not_enable<B>()));
}

BOOST_AUTO_TEST_CASE(a_guard_that_enables_inside_a_handler_is_caught) {
  BOOST_TEST(test::is_caught(a_guard_in_a_handler_does_not_enable<test::opens_everything>()));
}

BOOST_AUTO_TEST_CASE(an_eager_one_holds_off_foreign_handlers) {
  const test::foreign_handler usr1{SIGUSR1};
  {
    const sigsafe::guard off;
    raise(SIGUSR1);
    BOOST_TEST(usr1.runs() == 0);
  }
  BOOST_TEST(usr1.runs() == 1);
}

BOOST_AUTO_TEST_CASE(a_lazy_one_does_not_hold_off_foreign_handlers) {
  const test::foreign_handler usr1{SIGUSR1};
  const sigsafe::lazy::guard off;
  raise(SIGUSR1);
  BOOST_TEST(usr1.runs() == 1);
}

BOOST_AUTO_TEST_CASE(an_eager_one_holds_off_default_actions) {
  const child_end end = in_child([] {
    {
      const sigsafe::guard off;
      raise(SIGTERM);
      CHILD_REQUIRE(signal_set::pending().contains(SIGTERM));
      dprintf(STDERR_FILENO, "inside");
    }
    dprintf(STDERR_FILENO, "after");
  });
  BOOST_TEST(test::killed(end, SIGTERM, "inside"));
}

BOOST_AUTO_TEST_CASE(a_lazy_one_does_not_hold_off_default_actions) {
  const child_end end = in_child([] {
    const sigsafe::lazy::guard off;
    raise(SIGTERM);
    dprintf(STDERR_FILENO, "inside");
  });
  BOOST_TEST(test::killed(end, SIGTERM, ""));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_memory_fault_inside_reaches_its_handler, B, test::hosted_backends) {
  BOOST_TEST(test::holds(a_fault_inside_reaches_its_handler<B>()));
}

BOOST_AUTO_TEST_CASE(a_guard_that_blocks_faults_is_caught) {
  // The kernel kills a process that blocks the fault that it causes.
  BOOST_TEST(test::killed(a_fault_inside_reaches_its_handler<test::blocks_faults>(), SIGSEGV, ""));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_memory_fault_inside_reaches_a_foreign_handler, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    const test::foreign_handler crash{SIGSEGV, [](int) { _exit(0); }};
    const basic_guard<B> off;
    *const_cast<volatile char*>(forbidden_page()) = 1;
    test::fail_child(__FILE__, __LINE__, "the fault is not survived");
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(no_fault_and_no_abort_is_held_off, B, test::hosted_backends) {
  const child_end end = in_child([] {
    for (const int signal : signal_set::faults() | signal_set{SIGABRT}) {
      const counter arrived{signal};
      const basic_guard<B> off;
      raise(signal);
      CHILD_REQUIRE(arrived.runs() == 1);
      CHILD_REQUIRE(!B::enabled());
    }
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(an_eager_one_makes_two_system_calls) {
  BOOST_TEST(test::count_system_calls([] { const sigsafe::guard off; }) == 2);
}

BOOST_AUTO_TEST_CASE(a_lazy_one_makes_no_system_call) {
  BOOST_TEST(test::count_system_calls([] { const sigsafe::lazy::guard off; }) == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_nested_eager_one_makes_no_system_call, B, test::hosted_backends) {
  const auto nest_eager = [](auto&) { const sigsafe::guard inner; };
  const auto prepare_eager = [] { return sigsafe::guard{}; };
  BOOST_TEST(test::count_system_calls(prepare_eager, nest_eager) == 0);
  const auto nest = [](auto&) { const basic_guard<B> inner; };
  BOOST_TEST(test::count_system_calls(prepare_eager, nest) == 0);
}

BOOST_AUTO_TEST_CASE(an_eager_one_inside_a_lazy_one_makes_its_two_system_calls) {
  const auto prepare = [] { return sigsafe::lazy::guard{}; };
  const auto nest = [](auto&) { const sigsafe::guard inner; };
  BOOST_TEST(test::count_system_calls(prepare, nest) == 2);
}

template <class B>
long system_calls_of_a_handled_signal() {
  const auto prepare = [] {
    return sigsafe::handler{SIGUSR1, []() noexcept { const basic_guard<B> off; }};
  };
  return test::count_system_calls(prepare, [](auto&) { raise(SIGUSR1); });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(one_inside_a_handler_makes_no_system_call, B, test::hosted_backends) {
  BOOST_TEST(system_calls_of_a_handled_signal<B>() ==
             system_calls_of_a_handled_signal<backend::none>());
}

BOOST_AUTO_TEST_CASE(a_deferred_signal_costs_a_lazy_one_two_system_calls) {
  const auto prepare = [] { return sigsafe::handler{SIGUSR1, []() noexcept {}}; };
  const long at_once = test::count_system_calls(prepare, [](auto&) { raise(SIGUSR1); });
  const long deferred = test::count_system_calls(prepare, [](auto&) {
    const sigsafe::lazy::guard off;
    raise(SIGUSR1);
  });
  BOOST_TEST(deferred == at_once + 2);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(without, test::clean_thread)

BOOST_AUTO_TEST_CASE_TEMPLATE(interrupts_are_disabled_while_the_function_runs, B,
                              test::hosted_backends) {
  const counter usr1{SIGUSR1};
  const int runs_inside = sigsafe::without<B>([&] {
    raise(SIGUSR1);
    return usr1.runs();
  });
  BOOST_TEST(runs_inside == 0);
  BOOST_TEST(usr1.runs() == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_returns_what_the_function_returns, B, test::hosted_backends) {
  int variable = 1;
  auto& reference = sigsafe::without<B>([&]() -> int& { return variable; });
  BOOST_TEST(&reference == &variable);
  const auto value = [&] { return variable; };
  BOOST_TEST((std::is_same_v<decltype(sigsafe::without<B>(value)), int>));
  const auto nothing = [] {};
  BOOST_TEST((std::is_same_v<decltype(sigsafe::without<B>(nothing)), void>));
  const auto only_moves = sigsafe::without<B>([] { return std::make_unique<int>(7); });
  BOOST_TEST(*only_moves == 7);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_the_function_throws_comes_out_and_interrupts_come_back, B,
                              test::hosted_backends) {
  const counter usr1{SIGUSR1};
  BOOST_CHECK_THROW(sigsafe::without<B>([&] {
                      raise(SIGUSR1);
                      throw std::runtime_error("from inside");
                    }),
                    std::runtime_error);
  BOOST_TEST(usr1.runs() == 1);
  BOOST_TEST(B::enabled());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_is_noexcept_when_the_function_is, B, test::hosted_backends) {
  const auto quiet = []() noexcept {};
  const auto loud = [] {};
  BOOST_TEST(noexcept(sigsafe::without<B>(quiet)));
  BOOST_TEST(!noexcept(sigsafe::without<B>(loud)));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_nests, B, test::hosted_backends) {
  const counter usr1{SIGUSR1};
  sigsafe::without<B>([&] {
    sigsafe::without<B>([] { raise(SIGUSR1); });
    BOOST_TEST(usr1.runs() == 0);
  });
  BOOST_TEST(usr1.runs() == 1);
}

BOOST_AUTO_TEST_SUITE_END()
