// How a run of sigsafe-stress ends: whatever goes wrong in it is a violation.
#include <boost/test/unit_test.hpp>

#include <signal.h>
#include <unistd.h>

#include <functional>
#include <stdexcept>
#include <string_view>

#include <tests/stress/performance.hpp>

namespace {

using stress::verdict;

/// A scenario that does what the case wants.
class scripted : public stress::lone_scenario {
 public:
  explicit scripted(std::function<void(stress::stage&)> does) : does_(std::move(does)) {}
  void run(stress::stage& on) override { does_(on); }

 private:
  std::function<void(stress::stage&)> does_;
};

stress::result result_of(std::function<void(stress::stage&)> does, bool go_on = true) {
  const stress::cell what{.scenario = "scripted",
                          .backend = "",
                          .source = "own",
                          .mutant = "",
                          .threads = 1,
                          .rate = 0,
                          .seconds = 0.05,
                          .seed = 1,
                          .patience = 0.2};
  const stress::factory make{{}, [&] { return std::make_unique<scripted>(does); }};
  return run_cell(what, make, [&](const stress::counters&) { return go_on; });
}

void works(stress::stage& on, std::uint64_t operations = 1) {
  on.counts.operations = operations;
  on.counts.sent = on.counts.delivered = 1;
}

void until_stopped(stress::stage& on) {
  while (!on.stopping()) {}
}

void require_violation(const stress::result& end, std::string_view text) {
  BOOST_TEST((end.ended == verdict::violated));
  BOOST_TEST(end.violation.find(text) != std::string::npos, end.violation << " lacks " << text);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(stress_performance)

BOOST_AUTO_TEST_CASE(what_works_until_the_time_is_over_passes) {
  const stress::result end = result_of([](stress::stage& on) {
    until_stopped(on);
    works(on, 3);
    on.counts.delays.add(1000);
  });
  BOOST_TEST((end.ended == verdict::passed));
  BOOST_TEST(end.operations == 3u);
  BOOST_TEST(end.most == 1000u);
  BOOST_TEST(end.delay_bound(0.5) == 1000u);
  BOOST_TEST(end.seconds >= 0.05);
}

BOOST_AUTO_TEST_CASE(what_is_interrupted_says_so) {
  BOOST_TEST((result_of(until_stopped, false).ended == verdict::interrupted));
}

BOOST_AUTO_TEST_CASE(a_run_without_operations_is_a_violation) {
  require_violation(result_of(until_stopped), "nothing was done");
}

BOOST_AUTO_TEST_CASE(a_run_without_signals_is_a_violation) {
  require_violation(result_of([](stress::stage& on) { on.counts.operations = 1; }),
                    "no signal was sent");
}

BOOST_AUTO_TEST_CASE(a_status_as_of_a_sanitizer_is_a_violation) {
  require_violation(result_of([](stress::stage& on) {
                      works(on);
                      _exit(66);
                    }),
                    "ended with status 66");
}

BOOST_AUTO_TEST_CASE(a_crash_is_a_violation) {
  require_violation(result_of([](stress::stage&) { kill(getpid(), SIGKILL); }),
                    "killed by signal 9");
}

BOOST_AUTO_TEST_CASE(an_exception_is_a_violation) {
  require_violation(result_of([](stress::stage&) { throw std::runtime_error{"no terminal"}; }),
                    "no terminal");
}

BOOST_AUTO_TEST_CASE(a_run_that_does_not_go_on_is_a_violation) {
  require_violation(result_of([](stress::stage& on) {
                      works(on);
                      for (;;) pause();
                    }),
                    "no progress for 0.2 s");
}

BOOST_AUTO_TEST_CASE(a_run_of_which_a_part_goes_on_and_never_ends_is_a_violation) {
  require_violation(result_of([](stress::stage& on) {
                      for (;;) ++on.counts.operations;
                    }),
                    "no end after");
}

BOOST_AUTO_TEST_CASE(what_is_lost_or_torn_or_out_of_order_is_a_violation) {
  const auto with = [](stress::count stress::counters::* what) {
    return result_of([=](stress::stage& on) {
      works(on);
      on.counts.*what = 2;
    });
  };
  require_violation(with(&stress::counters::lost), "2 signals were lost");
  require_violation(with(&stress::counters::torn), "2 times a handler ran inside a section");
  require_violation(with(&stress::counters::disorder), "2 real-time signals came out of order");
}

BOOST_AUTO_TEST_CASE(the_first_violation_stays_and_stops_the_run) {
  const stress::result end = result_of([](stress::stage& on) {
    on.violation("first");
    on.violation("second");
    until_stopped(on);
  });
  BOOST_TEST(end.violation == "first");
}

BOOST_AUTO_TEST_SUITE_END()

// ---- the accounts of a channel -----------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(stress_channel)

BOOST_AUTO_TEST_CASE(of_queued_signals_each_must_arrive) {
  stress::channel line;
  line.prepare(stress::account::each);
  const std::uint64_t one = line.sending(10);
  const std::uint64_t two = line.sending(20);
  BOOST_TEST(line.lost() == 2u);
  line.arrived();
  BOOST_TEST(line.take_due(two) == 20u);
  BOOST_TEST(line.lost() == 1u);
  BOOST_TEST(line.coalesced() == 0u);
  line.arrived();
  BOOST_TEST(line.take_due(one) == 10u);
  BOOST_TEST(line.lost() == 0u);
  BOOST_TEST(line.sent() == 2u);
  BOOST_TEST(line.spurious() == 0u);
  line.arrived();
  BOOST_TEST(line.take_due(one) == 0u, "it came twice");
  BOOST_TEST(line.spurious() == 1u);
}

BOOST_AUTO_TEST_CASE(
    a_queued_signal_that_does_not_arrive_holds_up_the_one_that_would_take_its_place) {
  stress::channel line;
  line.prepare(stress::account::each);
  line.sending(1);
  std::uint64_t last = 0;
  while (!line.full()) {
    last = line.sending(2);
    line.arrived();
    line.take_due(last);
  }
  BOOST_TEST(last == 1024u);
}

BOOST_AUTO_TEST_CASE(of_standard_signals_a_handler_answers_those_sent_before_it) {
  stress::channel line;
  line.prepare(stress::account::latest);
  line.sending(10);
  line.sending(20);
  line.arrived();
  BOOST_TEST(line.take_due(0) == 10u);
  BOOST_TEST(line.lost() == 0u);
  BOOST_TEST(line.coalesced() == 1u);
  const std::uint64_t third = line.sending(30);
  BOOST_TEST(line.lost() == 1u);
  line.refused(third, 30);
  BOOST_TEST(line.take_due(0) == 0u);
  BOOST_TEST(line.lost() == 0u);
  BOOST_TEST(line.sent() == 2u);
}

BOOST_AUTO_TEST_CASE(a_source_may_say_itself_what_is_owed) {
  stress::channel line;
  line.prepare(stress::account::own);
  line.sending(10);
  line.owes();
  line.sending(20);  // pending already
  BOOST_TEST(line.lost() == 1u);
  line.arrived();
  line.answers();
  BOOST_TEST(line.lost() == 0u);
  BOOST_TEST(line.coalesced() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
