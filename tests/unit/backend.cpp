// backend/*.hpp: the concepts and what every backend promises. The guarantees of the hosted ones
// are in guard.cpp, guard_wait.cpp and any_order.cpp.
#include <boost/test/unit_test.hpp>

#include <signal.h>

#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include <sigsafe/backend/counted.hpp>
#include <sigsafe/backend/lazy.hpp>
#include <sigsafe/backend/native.hpp>
#include <sigsafe/backend/none.hpp>
#include <sigsafe/backend/posix.hpp>
#include <sigsafe/guard.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/ref_cell.hpp>

#include <tests/support/arrivals.hpp>
#include <tests/support/backends.hpp>
#include <tests/support/broken_backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/syscalls.hpp>

namespace {

namespace backend = sigsafe::backend;
using test::counter;

/// A backend but for what derived types change.
struct proper {
  using saved_state = int;
  static saved_state disable() noexcept;
  static void restore(saved_state) noexcept;
  static bool enabled() noexcept;
  static void wait(saved_state) noexcept;
};
struct throwing_disable : proper {
  static saved_state disable();
};
struct throwing_restore : proper {
  static void restore(saved_state);
};
struct other_state : proper {
  static long disable() noexcept;
};
struct enabled_is_an_int : proper {
  static int enabled() noexcept;
};
struct without_state {
  static int disable() noexcept;
  static void restore(int) noexcept;
  static bool enabled() noexcept;
  static void wait(int) noexcept;
};
struct without_wait {
  using saved_state = int;
  static saved_state disable() noexcept;
  static void restore(saved_state) noexcept;
  static bool enabled() noexcept;
};
struct state_with_destructor {
  struct saved_state {
    ~saved_state() {}
  };
  static saved_state disable() noexcept;
  static void restore(saved_state) noexcept;
  static bool enabled() noexcept;
  static void wait(saved_state) noexcept;
};
struct counts : proper {
  static void enter() noexcept;
  static void leave() noexcept;
};
struct counts_with_a_state : proper {
  static int enter() noexcept;
  static void leave(int) noexcept;
};

/// A machine of two CPUs, interrupts enabled or not; a sleeper wakes up on the other one.
struct machine {
  using saved_state = bool;
  static saved_state disable() noexcept { return std::exchange(enabled_, false); }
  static void restore(saved_state saved) noexcept { enabled_ = saved; }
  static bool enabled() noexcept { return enabled_; }
  static void wait(saved_state) noexcept { cpu = 1 - cpu; }

  static sigsafe::backend::nesting<machine>& nesting() noexcept { return nestings[cpu]; }

  static inline bool enabled_ = true;
  static inline int cpu = 0;
  static inline backend::nesting<machine> nestings[2];
};

/// The same, and its sleeps can end after a time or with a descriptor.
struct timed_machine : machine {
  using duration = int;
  using descriptors = int;
  static std::int64_t now() noexcept { return 0; }
  static bool wait_for(saved_state saved, duration, sigsafe::location) noexcept {
    wait(saved);
    return true;
  }
  static sigsafe::poll_result poll(saved_state saved, descriptors, sigsafe::location) noexcept {
    wait(saved);
    return sigsafe::wake::ready;
  }
  static sigsafe::poll_result poll(saved_state saved, descriptors, duration,
                                   sigsafe::location) noexcept {
    wait(saved);
    return sigsafe::wake::timeout;
  }
  static const void* self() noexcept { return &nestings[cpu]; }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(backend_, test::clean_thread)

BOOST_AUTO_TEST_CASE(those_of_the_library_are_backends) {
  BOOST_TEST(sigsafe::interrupt_backend<backend::posix>);
  BOOST_TEST(sigsafe::interrupt_backend<backend::lazy>);
  BOOST_TEST(sigsafe::interrupt_backend<backend::none>);
  BOOST_TEST(sigsafe::counting_backend<backend::posix>);
  BOOST_TEST(sigsafe::counting_backend<backend::lazy>);
  BOOST_TEST(!sigsafe::counting_backend<backend::none>);
  BOOST_TEST(sigsafe::identifying_backend<backend::posix>);
  BOOST_TEST(sigsafe::identifying_backend<backend::lazy>);
  BOOST_TEST(!sigsafe::identifying_backend<backend::none>);
}

BOOST_AUTO_TEST_CASE(a_type_that_lacks_something_is_none) {
  BOOST_TEST(sigsafe::interrupt_backend<proper>);
  BOOST_TEST(!sigsafe::interrupt_backend<int>);
  BOOST_TEST(!sigsafe::interrupt_backend<throwing_disable>);
  BOOST_TEST(!sigsafe::interrupt_backend<throwing_restore>);
  BOOST_TEST(!sigsafe::interrupt_backend<other_state>);
  BOOST_TEST(!sigsafe::interrupt_backend<enabled_is_an_int>);
  BOOST_TEST(!sigsafe::interrupt_backend<without_state>);
  BOOST_TEST(!sigsafe::interrupt_backend<without_wait>);
  BOOST_TEST(!sigsafe::interrupt_backend<state_with_destructor>);
  BOOST_TEST(sigsafe::counting_backend<counts>);
  BOOST_TEST(!sigsafe::counting_backend<proper>);
  BOOST_TEST(!sigsafe::counting_backend<counts_with_a_state>);
}

BOOST_AUTO_TEST_CASE(the_native_one_is_eager) {
  BOOST_TEST((std::is_same_v<backend::native, backend::posix>));
}

BOOST_AUTO_TEST_CASE(their_states_are_what_the_documentation_says) {
  BOOST_TEST(std::is_empty_v<backend::posix::saved_state>);
  BOOST_TEST(std::is_empty_v<backend::none::saved_state>);
  BOOST_TEST((std::is_same_v<backend::lazy::saved_state, unsigned>));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(disable_and_restore_nest, B, test::hosted_backends) {
  const counter usr1{SIGUSR1};
  const auto saved = B::disable();
  const auto inner = B::disable();
  raise(SIGUSR1);
  B::restore(inner);
  const bool enabled = B::enabled();
  const int runs = usr1.runs();
  B::restore(saved);
  BOOST_TEST(!enabled);
  BOOST_TEST(runs == 0);
  BOOST_TEST(usr1.runs() == 1);
  BOOST_TEST(B::enabled());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(enter_and_leave_count, B, test::hosted_backends) {
  const counter usr1{SIGUSR1};
  B::enter();
  const auto state = B::disable();
  raise(SIGUSR1);
  B::restore(state);
  B::enter();
  B::leave();
  const int runs = usr1.runs();
  B::leave();
  BOOST_TEST(runs == 0);
  BOOST_TEST(usr1.runs() == 1);
  BOOST_TEST(B::enabled());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(each_sees_the_holds_of_the_other, B, test::hosted_backends) {
  backend::lazy::enter();
  const bool beside_lazy = B::enabled();
  backend::lazy::leave();
  backend::posix::enter();
  const bool beside_eager = B::enabled();
  backend::posix::leave();
  BOOST_TEST(!beside_lazy);
  BOOST_TEST(!beside_eager);
  BOOST_TEST(B::enabled());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(enabled_is_false_in_a_handler_wherever_it_runs, B,
                              test::hosted_backends) {
  bool enabled = true;
  const sigsafe::handler usr1{SIGUSR1, [&]() noexcept { enabled = B::enabled(); }};
  raise(SIGUSR1);
  BOOST_TEST(!enabled);
  enabled = true;
  sigsafe::without<B>([] { raise(SIGUSR1); });
  BOOST_TEST(!enabled);
  enabled = true;
  {
    sigsafe::basic_guard<B> off;
    raise(SIGUSR1);
    off.wait();
  }
  BOOST_TEST(!enabled);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_mask_of_the_programs_own_does_not_count, B, test::hosted_backends) {
  const sigset_t all = sigsafe::signal_set::maskable().native();
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &all, &before);
  const bool enabled = B::enabled();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  BOOST_TEST(enabled);
}

BOOST_AUTO_TEST_CASE(self_tells_threads_apart_and_backends_not) {
  const void* const here = backend::posix::self();
  const void* there = nullptr;
  std::thread{[&] { there = backend::posix::self(); }}.join();
  BOOST_TEST(here == backend::lazy::self());
  BOOST_TEST(here == backend::posix::self());
  BOOST_TEST(here != there);
}

BOOST_AUTO_TEST_CASE(a_timed_one_is_what_wait_for_and_poll_ask_for) {
  BOOST_TEST(sigsafe::timed_backend<backend::posix>);
  BOOST_TEST(sigsafe::timed_backend<backend::lazy>);
  BOOST_TEST(sigsafe::timed_backend<timed_machine>);
  BOOST_TEST(!sigsafe::timed_backend<machine>);
  BOOST_TEST(!sigsafe::timed_backend<backend::none>);
}

// A checked build must not take it for a release on a wrong CPU, which panics.
BOOST_AUTO_TEST_CASE(a_guard_may_wake_up_on_another_cpu_from_every_kind_of_sleep) {
  const auto sleep = [](auto how) {
    sigsafe::basic_guard<timed_machine> off;
    how(off);
  };
  sleep([](auto& off) { off.wait(); });
  sleep([](auto& off) { BOOST_TEST(off.wait_for(1)); });
  sleep([](auto& off) { BOOST_TEST((off.poll(0) == sigsafe::wake::ready)); });
  sleep([](auto& off) { BOOST_TEST((off.poll(0, 1) == sigsafe::wake::timeout)); });
  BOOST_TEST(timed_machine::enabled());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(counted, test::clean_thread)

BOOST_AUTO_TEST_CASE(a_sleeper_that_wakes_up_on_another_cpu_holds_there) {
  using counted_machine = backend::counted<machine, machine>;
  {
    sigsafe::basic_guard<counted_machine> off;
    BOOST_TEST(machine::nestings[0].holds == 1U);
    off.wait();
    BOOST_TEST(machine::nestings[0].holds == 0U);
    BOOST_TEST(machine::nestings[1].holds == 1U);
    BOOST_TEST(!machine::enabled());
  }
  BOOST_TEST(machine::nestings[1].holds == 0U);
  BOOST_TEST(machine::enabled());
}

BOOST_AUTO_TEST_CASE(nested_holds_need_no_saved_state) {
  using counted_machine = backend::counted<machine, machine>;
  BOOST_TEST(std::is_empty_v<counted_machine::saved_state>);
#if !SIGSAFE_CHECKED
  BOOST_TEST(sizeof(sigsafe::raw_mutex<sigsafe::spinlock, counted_machine>) ==
             sizeof(sigsafe::spinlock));
#endif
  BOOST_TEST(sizeof(sigsafe::ref<int, counted_machine>) < sizeof(sigsafe::ref<int, machine>));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(none, test::clean_thread)

BOOST_AUTO_TEST_CASE(it_disables_nothing_and_costs_no_system_call) {
  const counter usr1{SIGUSR1};
  const sigsafe::basic_guard<backend::none> off;
  BOOST_TEST(backend::none::enabled());
  raise(SIGUSR1);
  BOOST_TEST(usr1.runs() == 1);
  BOOST_TEST(test::count_system_calls([] { const sigsafe::basic_guard<backend::none> mark; }) == 0);
}

BOOST_AUTO_TEST_CASE(locks_and_cells_work_with_it) {
  sigsafe::mutex<int, sigsafe::spinlock, backend::none> shared{1};
  *shared.lock() = 2;
  BOOST_TEST(shared.with_lock([](int value) { return value; }) == 2);
  sigsafe::ref_cell<int, backend::none> cell{1};
  {
    const auto writer = cell.borrow_mut();
    *writer = 3;
    BOOST_TEST(!cell.try_borrow().has_value());
  }
  BOOST_TEST(*cell.borrow() == 3);
}

BOOST_AUTO_TEST_CASE(waiting_on_it_panics_and_names_the_place) {
  const unsigned line = __LINE__ + 3;
  const auto end = test::in_child([] {
    sigsafe::basic_guard<backend::none> off;
    off.wait();
  });
  BOOST_TEST(test::panics(end, std::string(__FILE__) + ":" + std::to_string(line) +
                                   ": wait on backend::none would never wake"));
}

BOOST_AUTO_TEST_SUITE_END()
