// The supervisor as the first process of a PID namespace.
#include <cstdio>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <sigsafe/exit_status.hpp>
#include <sigsafe/process.hpp>

#include "running.hpp"

using sigsafe::exit_status;
using supervisor::tests::run;
using supervisor::tests::running;

namespace {

const std::vector<std::string> as_pid_1{"unshare", "--user", "--map-root-user",
                                        "--pid",   "--fork", "--mount-proc"};

bool is_allowed() {
  std::vector<std::string> probe = as_pid_1;
  probe.emplace_back("true");
  const auto nothing = sigsafe::descriptor_source::null_device();
  try {
    if (sigsafe::spawn(probe, {.error = nothing}).wait().success()) return true;
  } catch (const std::system_error&) {}
  std::puts("SKIPPED: the supervisor as PID 1, as this machine lets us make no PID namespace");
  return false;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(supervisor_pid_1)

BOOST_AUTO_TEST_CASE(it_stops_by_sigterm_and_reports_the_signal_as_shells_do) {
  if (!is_allowed()) return;
  running all{"[steady]\n" + run("steady") + "[forks]\n" + run("forks") +
                  "at_end = leave\n[stop]\n" + run("stop_1") + "at_end = leave\n",
              as_pid_1};
  BOOST_TEST((all.end() == exit_status::of_code(128 + SIGTERM)));
  BOOST_TEST(all.lines().back() == "supervisor: all services: have stopped");
}

BOOST_AUTO_TEST_CASE(it_reaps_orphans_and_ends_as_the_program_that_stops_all) {
  if (!is_allowed()) return;
  running all{"[forks]\n" + run("forks_short") + "at_end = leave\n[last]\n" +
                  run("die " + std::to_string(SIGUSR1)) + "at_end = stop_all\n",
              as_pid_1};
  BOOST_TEST((all.end() == exit_status::of_code(128 + SIGUSR1)));
  BOOST_TEST(all.count("last: was killed by SIGUSR1") == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
