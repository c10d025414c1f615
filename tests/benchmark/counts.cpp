// What repeats exactly: instructions, and system calls.
#include <boost/test/unit_test.hpp>

#include <sigsafe/event.hpp>
#include <sigsafe/lazy.hpp>

#include <tests/benchmark/hold_counter.hpp>
#include <tests/benchmark/instructions.hpp>
#include <tests/benchmark/peers/peer.hpp>
#include <tests/benchmark/peers/served.hpp>
#include <tests/support/syscalls.hpp>

namespace {

using namespace benchmarked;

long system_calls_of(const char* peer) {
  const kind_of_peer* const kind = find_peer(peer);
  BOOST_TEST_REQUIRE((kind != nullptr && kind->make != nullptr), peer);
  return system_calls_of_a_turn(*kind);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(counts)

// docs/explanation/performance.md shows those of g++ 12.
BOOST_AUTO_TEST_CASE(a_lazy_guard_is_at_most_sixteen_instructions) {
  const long instructions = instructions_of_hold<sigsafe::lazy::guard>();
  BOOST_TEST(instructions <= 16);
  BOOST_TEST(instructions == instructions_of_hold<sigsafe::lazy::guard>());
}

BOOST_AUTO_TEST_CASE(a_hold_counter_of_postgresql_is_not_much_shorter) {
  BOOST_TEST(instructions_of_hold<sigsafe::lazy::guard>() <=
             instructions_of_hold<hold_counter::hold>() + 6);
}

BOOST_AUTO_TEST_CASE(a_set_of_an_event_that_nobody_waits_for_is_no_system_call) {
  sigsafe::event lonely;
  BOOST_TEST(test::count_system_calls([&] { lonely.set(); }) == 0);
}

BOOST_AUTO_TEST_CASE(a_set_of_an_event_in_a_loop_is_one_system_call) {
  const auto prepare = [] {
    static sigsafe::event watched;  // that of the traced process
    static_cast<void>(watched.fd());
    return &watched;
  };
  BOOST_TEST(test::count_system_calls(prepare, [](auto* watched) { watched->set(); }) == 1);
}

// An eager one takes the signal, and asks whose it is, instead of returning from a frame: that is
// one more, and faster.
BOOST_AUTO_TEST_CASE(a_signal_and_a_turn_of_guard_poll_are_five_system_calls_or_four) {
  BOOST_TEST(system_calls_of("guard.poll") == 5);
  BOOST_TEST(system_calls_of("lazy guard.poll") == 4);
  BOOST_TEST(system_calls_of("ppoll") == 3);
}

BOOST_AUTO_TEST_CASE(a_signal_and_a_turn_of_epoll_are_as_many_as_by_hand) {
  BOOST_TEST(system_calls_of("event.fd") == 5);
  BOOST_TEST(system_calls_of("eventfd") == 5);
  BOOST_TEST(system_calls_of("signal_fd") == 3);
  BOOST_TEST(system_calls_of("signalfd") == 3);
}

BOOST_AUTO_TEST_CASE(a_signal_and_a_wait_for_an_event_are_those_of_the_signal) {
  BOOST_TEST(system_calls_of("event.wait") == 2);
  BOOST_TEST(system_calls_of("bare handler") == 2);
}

BOOST_AUTO_TEST_SUITE_END()
