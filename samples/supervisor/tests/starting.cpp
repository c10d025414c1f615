// Programs that start, end, crash, fork away, and cannot be started.
#include <signal.h>

#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <sigsafe/exit_status.hpp>
#include <sigsafe/signal_set.hpp>

#include "running.hpp"

using sigsafe::exit_status;
using supervisor::tests::run;
using supervisor::tests::running;

BOOST_AUTO_TEST_SUITE(supervisor_starting)

BOOST_AUTO_TEST_CASE(a_program_that_crashes_is_started_again_later_and_later) {
  running all{"[crash]\n" + run("crash") + "back_off = 1ms\nback_off_limit = 10m\n"};
  for (const char* delay : {"in 1 ms", "in 2 ms", "in 4 ms", "in 8 ms"}) {
    all.expect("crash: was killed by SIGSEGV");
    all.expect(std::string{"crash: is started again "} + delay);
  }
  BOOST_TEST((all.stop() == exit_status::of_signal(SIGTERM)));
  BOOST_TEST(all.count("crash: begins") >= 4u);
}

BOOST_AUTO_TEST_CASE(a_program_that_cannot_be_started_is_named_and_tried_again) {
  running all{"[lost]\nrun = /nowhere/program\nback_off = 1ms\n[steady]\n" + run("steady") +
              "[nowhere]\n" + run("steady") + "directory = /nowhere/folder\nback_off = 1ms\n"};
  all.expect("lost: cannot be started");
  BOOST_TEST(all.lines().back().find("/nowhere/program") != std::string::npos);
  all.expect("nowhere: cannot be started");
  BOOST_TEST(all.lines().back().find("/nowhere/folder") != std::string::npos);
  all.expect("lost: cannot be started");
  all.stop();
  BOOST_TEST(all.count("steady: was killed by SIGTERM") == 1u);
}

// UBSan looks at an object through a pipe, and takes one for broken when it can make none.
BOOST_AUTO_TEST_CASE(without_descriptors_what_runs_goes_on_and_the_rest_is_tried_again,
                     *boost::unit_test::enable_if<!SUPERVISOR_SANITIZED>()) {
  std::string config;
  for (int i = 0; i < 12; ++i)
    config += "[s" + std::to_string(i) + "]\n" + run("steady") + "back_off = 10m\n";
  running all{config, {"sh", "-c", "ulimit -n 12; exec \"$@\"", "sh"}};
  all.expect("s11: cannot be started");
  all.expect("s11: is started again in");
  BOOST_TEST((all.stop() == exit_status::of_signal(SIGTERM)));
  BOOST_TEST(all.count("s0: was killed by SIGTERM") == 1u);
  BOOST_TEST(all.count(": was killed by SIGTERM") == all.count("is started, as process"));
}

BOOST_AUTO_TEST_CASE(a_program_that_has_done_its_work_stays_down_if_that_is_wanted) {
  running all{"[a]\n" + run("exit 0") + "at_end = restart_if_failed\n[b]\n" + run("exit 1") +
              "at_end = leave\n[c]\n" + run("exit 1") +
              "at_end = restart_if_failed\nback_off = 1ms\n"};
  for (int i = 0; i < 3; ++i) all.expect("c: is started again");
  all.await("a: has exited with 0");
  all.await("b: has exited with 1");
  all.stop();
  BOOST_TEST(all.count("a: is started again") == 0u);
  BOOST_TEST(all.count("b: is started again") == 0u);
}

BOOST_AUTO_TEST_CASE(everything_ends_with_and_as_a_program_that_stops_all) {
  const std::string steady = "[steady]\n" + run("steady");
  const std::string last = "at_end = stop_all\n";
  running code{steady + "[last]\n" + run("exit 7") + last};
  BOOST_TEST((code.end() == exit_status::of_code(7)));
  BOOST_TEST(code.count("steady: was killed by SIGTERM") == 1u);
  running killed{steady + "[last]\n" + run("die " + std::to_string(SIGUSR1)) + last};
  BOOST_TEST((killed.end() == exit_status::of_signal(SIGUSR1)));
  running lost{steady + "[last]\nrun = /nowhere/program\n" + last};
  BOOST_TEST((lost.end() == exit_status::of_code(127)));
}

BOOST_AUTO_TEST_CASE(signals_that_the_supervisor_inherits_blocked_or_ignored_change_nothing) {
  const sigsafe::signal_set some{SIGTERM, SIGHUP, SIGUSR1, SIGCHLD, SIGPIPE};
  running all{"[signals]\n" + run("signals") + "stop_within = 10m\n",
              {},
              {.blocked = some, .ignored = some}};
  all.expect("signals: is ready");
  BOOST_TEST(all.count("SigBlk:\t0000000000000000") == 1u);
  BOOST_TEST(all.count("SigIgn:\t0000000000000000") == 1u);
  BOOST_TEST((all.stop() == exit_status::of_signal(SIGTERM)));
}

BOOST_AUTO_TEST_CASE(an_orphan_is_reaped_when_it_ends) {
  running all{"[forks]\n" + run("forks_short") + "at_end = leave\n"};
  all.expect("forks: the orphan is ready");
  all.expect("that had no parent any more has exited with 3");
  BOOST_TEST((all.stop() == exit_status::of_signal(SIGTERM)));
  BOOST_TEST(all.count("forks: has exited with 0") == 1u);
}

BOOST_AUTO_TEST_CASE(a_configuration_with_a_mistake_starts_nothing) {
  running all{"[steady]\n" + run("steady") + "colour = red\n"};
  BOOST_TEST((all.end() == exit_status::of_code(2)));
  BOOST_REQUIRE(all.lines().size() == 1u);
  BOOST_TEST(all.lines()[0].find("supervisor.conf:3: colour is unknown") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
