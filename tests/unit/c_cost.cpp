// sigsafe.h costs what the C++ interface costs: instructions are counted, of optimised code.
#include <boost/test/unit_test.hpp>

#include <sigsafe/sigsafe.h>

#include <sigsafe/guard.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/mutex.hpp>

#include <tests/support/clean_thread.hpp>
#include <tests/support/instructions.hpp>

namespace {

constinit int shared = 0;  // what is protected; a compiler cannot leave its accesses out
constinit sigsafe_mutex c_mutex = SIGSAFE_MUTEX_INIT;
constinit sigsafe::lazy::mutex<int> lazy_mutex{0};
constinit sigsafe::mutex<int> eager_mutex{0};

void touch() { __atomic_store_n(&shared, 1, __ATOMIC_RELAXED); }

constexpr int times = 8;

long instructions_of(void (*operation)()) {
  // A compiler does not see what is called, so that each operation is compiled for itself.
  void (*volatile called)() = operation;
  return test::count_instructions([] { return 0; },
                                  [&](int) {
                                    for (int i = 0; i < times; ++i) called();
                                  });
}

/// How many instructions an operation takes that often, without what is around it.
long cost_of(void (*operation)()) { return instructions_of(operation) - instructions_of(touch); }

// Which of several ways a compiler chooses: a lock alone takes as long as twenty of these.
bool costs_the_same(long c, long cpp) { return c <= cpp + times * 4; }
// The first and the last eager hold each go through a function of the library that only calls one.
bool costs_two_calls_more(long c, long cpp) { return c <= cpp + times * 16; }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(c_cost, test::clean_thread)

BOOST_AUTO_TEST_CASE(lazy_holds_cost_what_a_lazy_guard_costs) {
  const long cpp = cost_of([] {
    const sigsafe::lazy::guard off;
    touch();
  });
  const long guard = cost_of([] {
    SIGSAFE_LAZY_GUARD;
    touch();
  });
  const long calls = cost_of([] {
    sigsafe_lazy_enter();
    touch();
    sigsafe_lazy_leave();
  });
  BOOST_TEST(cpp > 0);
  BOOST_TEST(guard <= cpp + times, guard << " instructions, in C++ " << cpp);
  BOOST_TEST(costs_the_same(calls, cpp), calls << " instructions, in C++ " << cpp);
}

BOOST_AUTO_TEST_CASE(eager_holds_cost_what_a_guard_costs) {
  const auto in_cpp = [] {
    const sigsafe::guard off;
    touch();
  };
  const auto in_c = [] {
    SIGSAFE_EAGER_GUARD;
    touch();
  };
  const long outermost = cost_of(in_c);
  const long cpp = cost_of(in_cpp);
  BOOST_TEST(costs_two_calls_more(outermost, cpp), outermost << " instructions, in C++ " << cpp);
  const sigsafe::guard held;
  const long nested = cost_of(in_c);
  const long nested_cpp = cost_of(in_cpp);
  BOOST_TEST(costs_the_same(nested, nested_cpp), nested << " instructions, in C++ " << nested_cpp);
}

BOOST_AUTO_TEST_CASE(locks_cost_what_a_mutex_costs) {
  const long lazy = cost_of([] {
    sigsafe_lazy_lock(&c_mutex);
    touch();
    sigsafe_lazy_unlock(&c_mutex);
  });
  const long lazy_cpp = cost_of([] {
    const auto locked = lazy_mutex.lock();
    touch();
  });
  BOOST_TEST(costs_the_same(lazy, lazy_cpp), lazy << " instructions, in C++ " << lazy_cpp);
  const long eager = cost_of([] {
    sigsafe_eager_lock(&c_mutex);
    touch();
    sigsafe_eager_unlock(&c_mutex);
  });
  const long eager_cpp = cost_of([] {
    const auto locked = eager_mutex.lock();
    touch();
  });
  BOOST_TEST(costs_two_calls_more(eager, eager_cpp),
             eager << " instructions, in C++ " << eager_cpp);
}

BOOST_AUTO_TEST_SUITE_END()
