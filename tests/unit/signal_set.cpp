// signal_set.hpp
#include <boost/test/unit_test.hpp>

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <type_traits>
#include <vector>

#include <sigsafe/signal_set.hpp>

#include <tests/support/clean_thread.hpp>
#include <tests/support/syscalls.hpp>

namespace {

using sigsafe::signal_set;

// The numbers that a set is asked for here: all that there are, and what lies around them.
constexpr int first = -2;
constexpr int last = 130;

sigset_t full() {
  sigset_t set;
  sigfillset(&set);
  return set;
}

bool is_member(const sigset_t& set, int signal) {
  return signal >= 1 && signal <= 64 && sigismember(&set, signal) == 1;
}

bool same(signal_set mine, const sigset_t& theirs) {
  for (int signal = first; signal <= last; ++signal)
    if (mine.contains(signal) != is_member(theirs, signal)) return false;
  return true;
}

std::vector<int> members(signal_set set) { return {set.begin(), set.end()}; }

constexpr signal_set two{SIGHUP, SIGUSR1};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(signal_set_, test::clean_thread)

BOOST_AUTO_TEST_CASE(it_is_empty_at_first) {
  BOOST_TEST(signal_set{}.empty());
  BOOST_TEST(signal_set{}.size() == 0U);
  sigset_t none;
  sigemptyset(&none);
  BOOST_TEST(same(signal_set{}, none));
}

BOOST_AUTO_TEST_CASE(all_is_what_sigfillset_fills) { BOOST_TEST(same(signal_set::all(), full())); }

BOOST_AUTO_TEST_CASE(maskable_is_everything_without_faults_abort_kill_and_stop) {
  sigset_t expected = full();
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) {
    sigdelset(&expected, signal);
    BOOST_TEST(signal_set::faults().contains(signal));
  }
  BOOST_TEST(signal_set::faults().size() == 6U);
  for (const int signal : {SIGABRT, SIGKILL, SIGSTOP}) sigdelset(&expected, signal);
  BOOST_TEST(same(signal_set::maskable(), expected));
}

BOOST_AUTO_TEST_CASE(inserting_and_erasing_are_sigaddset_and_sigdelset) {
  for (int signal = 1; signal <= 64; ++signal) {
    if (!is_member(full(), signal)) continue;  // the C library refuses its own
    signal_set mine{SIGUSR2};
    sigset_t theirs;
    sigemptyset(&theirs);
    sigaddset(&theirs, SIGUSR2);
    sigaddset(&theirs, signal);
    BOOST_TEST(same(mine.insert(signal), theirs));
    BOOST_TEST(same(signal_set{theirs}, theirs));
    sigdelset(&theirs, signal);
    BOOST_TEST(same(mine.erase(signal), theirs));
  }
}

BOOST_AUTO_TEST_CASE(numbers_that_are_no_signals_belong_to_no_set) {
  for (const int signal : {-1, 0, 65, 128, 1 << 20, INT32_MIN, INT32_MAX}) {
    signal_set set{SIGHUP, signal};
    BOOST_TEST((set == signal_set{SIGHUP}));
    BOOST_TEST((set.insert(signal) == signal_set{SIGHUP}));
    BOOST_TEST((set.erase(signal) == signal_set{SIGHUP}));
    BOOST_TEST(!set.contains(signal));
    BOOST_TEST(!signal_set::all().contains(signal));
    BOOST_TEST(!signal_set::from_bits(~std::uint64_t{0}).contains(signal));
  }
}

BOOST_AUTO_TEST_CASE(bit_n_minus_one_is_signal_n) {
  for (int signal = 1; signal <= 64; ++signal)
    BOOST_TEST(signal_set{signal}.bits() == std::uint64_t{1} << (signal - 1));
  BOOST_TEST((signal_set::from_bits(0x8000000000000001) == signal_set{1, 64}));
}

BOOST_AUTO_TEST_CASE(it_becomes_a_sigset_and_comes_back) {
  for (const signal_set set : {signal_set{}, two, signal_set::maskable(), signal_set::all()}) {
    const sigset_t native = set.native();
    BOOST_TEST(same(set, native));
    BOOST_TEST((signal_set{native} == set));
  }
}

BOOST_AUTO_TEST_CASE(it_visits_its_numbers_in_ascending_order) {
  BOOST_TEST((members(signal_set{SIGUSR1, 64, SIGHUP, SIGTERM}) ==
              std::vector{SIGHUP, SIGUSR1, SIGTERM, 64}));
  BOOST_TEST(members(signal_set{}).empty());
  const std::vector<int> all = members(signal_set::all());
  BOOST_TEST(std::is_sorted(all.begin(), all.end()));
  BOOST_TEST(all.size() == signal_set::all().size());
  for (const int signal : all) BOOST_TEST(is_member(full(), signal));
}

BOOST_AUTO_TEST_CASE(its_iterator_is_one) {
  static_assert(std::forward_iterator<signal_set::iterator>);
  using traits = std::iterator_traits<signal_set::iterator>;
  static_assert(std::is_same_v<traits::iterator_category, std::input_iterator_tag>);
  auto at = two.begin();
  const auto before = at++;
  BOOST_TEST(*before == SIGHUP);
  BOOST_TEST(*at == SIGUSR1);
  BOOST_TEST((before != at));
  BOOST_TEST((++at == two.end()));
  BOOST_TEST((two.end() == signal_set::iterator{}));
}

BOOST_AUTO_TEST_CASE(it_has_the_operations_of_sets) {
  const signal_set other{SIGUSR1, SIGUSR2};
  BOOST_TEST(((two | other) == signal_set{SIGHUP, SIGUSR1, SIGUSR2}));
  BOOST_TEST(((two & other) == signal_set{SIGUSR1}));
  BOOST_TEST(((two ^ other) == signal_set{SIGHUP, SIGUSR2}));
  BOOST_TEST(((two - other) == signal_set{SIGHUP}));
  signal_set set = two;
  BOOST_TEST(((set |= other) == (two | other)));
  BOOST_TEST(((set &= other) == other));
  BOOST_TEST(((set ^= two) == signal_set{SIGHUP, SIGUSR2}));
  BOOST_TEST(((set -= two) == signal_set{SIGUSR2}));
  BOOST_TEST(two.contains(signal_set{SIGHUP}));
  BOOST_TEST(two.contains(signal_set{}));
  BOOST_TEST(two.contains(two));
  BOOST_TEST(!two.contains(other));
  BOOST_TEST((two != other));
}

BOOST_AUTO_TEST_CASE(its_complement_stays_within_all) {
  BOOST_TEST((~signal_set{} == signal_set::all()));
  BOOST_TEST((~signal_set::all()).empty());
  BOOST_TEST(((~two | two) == signal_set::all()));
  BOOST_TEST((~two & two).empty());
  BOOST_TEST((~~two == two));
}

BOOST_AUTO_TEST_CASE(it_swaps_and_clears) {
  signal_set a{SIGHUP};
  signal_set b{SIGUSR1, SIGUSR2};
  a.swap(b);
  BOOST_TEST((a == signal_set{SIGUSR1, SIGUSR2}));
  BOOST_TEST((b == signal_set{SIGHUP}));
  a.clear();
  BOOST_TEST(a.empty());
}

BOOST_AUTO_TEST_CASE(it_works_at_compile_time) {
  constexpr signal_set set = [] {
    signal_set made{SIGHUP, SIGUSR1};
    made.insert(SIGTERM).erase(SIGHUP);
    signal_set other = ~made;
    other.swap(made);
    return ~made;
  }();
  static_assert(set == signal_set{SIGUSR1, SIGTERM});
  static_assert(set.size() == 2 && !set.empty() && *set.begin() == SIGUSR1);
  static_assert(signal_set::all().contains(signal_set::maskable()));
  BOOST_TEST(set.contains(SIGTERM));
}

BOOST_AUTO_TEST_CASE(it_is_as_cheap_as_an_integer) {
  BOOST_TEST(sizeof(signal_set) == 8U);
  BOOST_TEST(std::is_trivially_copyable_v<signal_set>);
  BOOST_TEST(std::is_standard_layout_v<signal_set>);
  BOOST_TEST(std::is_nothrow_default_constructible_v<signal_set>);
}

BOOST_AUTO_TEST_CASE(blocked_is_the_mask_of_the_thread) {
  BOOST_TEST(signal_set::blocked().empty());
  const sigset_t some = signal_set{SIGUSR1, SIGRTMIN, SIGSEGV}.native();
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, &some, &before);
  const signal_set blocked = signal_set::blocked();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  BOOST_TEST((blocked == signal_set{SIGUSR1, SIGRTMIN, SIGSEGV}));
  BOOST_TEST(signal_set::blocked().empty());
}

BOOST_AUTO_TEST_CASE(pending_is_what_waits_for_the_thread_and_for_its_process) {
  const sigset_t some = signal_set{SIGUSR1, SIGUSR2}.native();
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &some, &before);
  raise(SIGUSR1);
  const signal_set of_thread = signal_set::pending();
  kill(getpid(), SIGUSR2);
  const signal_set of_both = signal_set::pending();
  int taken = 0;
  while (!signal_set::pending().empty()) sigwait(&some, &taken);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  BOOST_TEST((of_thread == signal_set{SIGUSR1}));
  BOOST_TEST((of_both == signal_set{SIGUSR1, SIGUSR2}));
}

BOOST_AUTO_TEST_CASE(what_asks_the_kernel_makes_one_system_call) {
  BOOST_TEST(test::count_system_calls([] { return signal_set::blocked(); }) == 1);
  BOOST_TEST(test::count_system_calls([] { return signal_set::pending(); }) == 1);
}

BOOST_AUTO_TEST_SUITE_END()
