// SIGTERM: in order, with a deadline, and nothing is left behind.
#include <signal.h>

#include <string>

#include <boost/test/unit_test.hpp>

#include <sigsafe/exit_status.hpp>

#include "running.hpp"

using sigsafe::exit_status;
using supervisor::tests::run;
using supervisor::tests::running;

BOOST_AUTO_TEST_SUITE(supervisor_stopping)

BOOST_AUTO_TEST_CASE(services_stop_one_after_the_other_the_last_one_first) {
  running all{"[a]\n" + run("steady") + "[b]\n" + run("steady") + "[c]\n" + run("steady")};
  for (int i = 0; i < 3; ++i) all.expect("steady: is ready");
  all.send(SIGTERM);
  for (const char* name : {"c", "b", "a"}) {
    all.expect(": is asked to stop");
    BOOST_TEST(all.lines().back() ==
               "supervisor: " + std::string{name} + ": is asked to stop, by SIGTERM");
    all.expect(": was killed by");
    BOOST_TEST(all.lines().back() ==
               "supervisor: " + std::string{name} + ": was killed by SIGTERM");
  }
  BOOST_TEST((all.end() == exit_status::of_signal(SIGTERM)));
  BOOST_TEST(all.lines().back() == "supervisor: all services: have stopped");
}

BOOST_AUTO_TEST_CASE(a_program_that_ignores_sigterm_is_killed_when_its_time_is_up) {
  running all{"[stubborn]\n" + run("stubborn") + "stop_within = 50ms\n"};
  all.expect("stubborn: is ready");
  BOOST_TEST((all.stop() == exit_status::of_signal(SIGTERM)));
  BOOST_TEST(all.count("stubborn: does not stop, and is killed") == 1u);
  BOOST_TEST(all.count("stubborn: was killed by SIGKILL") == 1u);
}

BOOST_AUTO_TEST_CASE(a_service_may_want_another_signal) {
  running all{"[a]\n" + run("stubborn") + "stop_signal = INT\nstop_within = 10m\n"};
  all.expect("stubborn: is ready");
  BOOST_TEST((all.stop() == exit_status::of_signal(SIGTERM)));
  BOOST_TEST(all.count("a: was killed by SIGINT") == 1u);
}

BOOST_AUTO_TEST_CASE(a_program_that_is_stopped_by_job_control_stops_too) {
  running all{"[a]\n" + run("steady") + "stop_within = 10m\n"};
  all.expect("steady: is ready");
  kill(all.pid_of("a"), SIGSTOP);
  BOOST_TEST((all.stop() == exit_status::of_signal(SIGTERM)));
}

BOOST_AUTO_TEST_CASE(a_program_that_has_forked_away_is_stopped_too) {
  running all{"[forks]\n" + run("forks") + "at_end = leave\n"};
  all.expect("forks: has exited with 0");
  // The end of the pipe comes when the orphan has gone.
  BOOST_TEST((all.stop() == exit_status::of_signal(SIGTERM)));
  BOOST_TEST(all.count("that had no parent any more was killed by SIGTERM") == 1u);
}

BOOST_AUTO_TEST_CASE(an_orphan_that_ignores_sigterm_is_killed) {
  running all{"[forks]\n" + run("forks_stubborn") + "at_end = leave\n"};
  all.expect("forks: has exited with 0");
  BOOST_TEST((all.stop() == exit_status::of_signal(SIGTERM)));
  BOOST_TEST(all.count("that had no parent any more was killed by SIGKILL") == 1u);
}

BOOST_AUTO_TEST_CASE(a_program_that_waits_to_be_started_again_is_not) {
  running all{"[crash]\n" + run("crash") + "back_off = 10m\nback_off_limit = 10m\n"};
  all.expect("crash: is started again in 600000 ms");
  BOOST_TEST((all.stop() == exit_status::of_signal(SIGTERM)));
  BOOST_TEST(all.count("is started, as process") == 1u);
}

BOOST_AUTO_TEST_CASE(the_supervisor_dies_by_the_signal_that_stopped_it) {
  running all{"[steady]\n" + run("steady")};
  all.expect("steady: is ready");
  all.send(SIGINT);
  BOOST_TEST((all.end() == exit_status::of_signal(SIGINT)));
}

BOOST_AUTO_TEST_CASE(a_second_sigterm_ends_the_supervisor_at_once) {
  running all{"[stubborn]\n" + run("stubborn") + "stop_within = 10m\n"};
  all.expect("stubborn: is ready");
  all.send(SIGTERM);
  all.expect("stubborn: is asked to stop");
  all.send(SIGTERM);
  BOOST_TEST((all.wait_for_supervisor() == exit_status::of_signal(SIGTERM)));
}

BOOST_AUTO_TEST_CASE(a_log_that_nobody_reads_is_no_reason_to_die) {
  running all{"[steady]\n" + run("steady")};
  all.expect("steady: is ready");
  BOOST_TEST((all.stop_unread() == exit_status::of_signal(SIGTERM)));
}

BOOST_AUTO_TEST_SUITE_END()
