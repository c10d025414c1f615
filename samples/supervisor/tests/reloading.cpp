// SIGHUP, and the signals that are sent on.
#include <signal.h>

#include <string>

#include <boost/test/unit_test.hpp>

#include <sigsafe/exit_status.hpp>

#include "running.hpp"

using sigsafe::exit_status;
using supervisor::tests::run;
using supervisor::tests::running;

BOOST_AUTO_TEST_SUITE(supervisor_reloading)

BOOST_AUTO_TEST_CASE(signals_are_sent_on_to_the_programs) {
  running all{"[a]\n" + run("echo") + "[b]\n" + run("echo")};
  for (int i = 0; i < 2; ++i) all.expect("echo: is ready");
  all.send(SIGUSR1);
  for (int i = 0; i < 2; ++i) all.expect("echo: USR1");
  all.send(SIGUSR2);
  for (int i = 0; i < 2; ++i) all.expect("echo: USR2");
  all.send(SIGQUIT);
  for (int i = 0; i < 2; ++i) all.expect("was killed by SIGQUIT");
  BOOST_TEST((all.stop() == exit_status::of_signal(SIGTERM)));
}

BOOST_AUTO_TEST_CASE(what_has_not_changed_goes_on_and_the_rest_follows_the_file) {
  const std::string kept = "[kept]\n" + run("echo");
  running all{"[gone]\n" + run("steady") + "[changed]\n" + run("steady") + kept};
  for (int i = 0; i < 3; ++i) all.expect(": is ready");
  all.write_config("[new]\n" + run("steady") + kept + "[changed]\n" + run("stubborn") +
                   "stop_signal = INT\n");
  all.send(SIGHUP);
  all.expect("supervisor.conf: is read");
  all.expect("stubborn: is ready");
  all.await("supervisor: gone: was killed by SIGTERM");
  BOOST_TEST(all.count("supervisor: kept: is asked to stop") == 0u);
  BOOST_TEST((all.stop() == exit_status::of_signal(SIGTERM)));
  BOOST_TEST(all.count("supervisor: kept: is started") == 1u);
  BOOST_TEST(all.count("supervisor: gone: is started") == 1u);
  BOOST_TEST(all.count("supervisor: gone: was killed by SIGTERM") == 1u);
  BOOST_TEST(all.count("supervisor: new: is started") == 1u);
  BOOST_TEST(all.count("supervisor: changed: is started") == 2u);
  BOOST_TEST(all.count("supervisor: changed: was killed by SIGTERM") == 1u);
  BOOST_TEST(all.count("supervisor: changed: was killed by SIGINT") == 1u);
}

BOOST_AUTO_TEST_CASE(a_file_with_a_mistake_changes_nothing_and_the_line_is_named) {
  running all{"[echo]\n" + run("echo")};
  all.expect("echo: is ready");
  all.write_config("[new]\n" + run("steady") + "[echo]\nrun = \"\n");
  all.send(SIGHUP);
  const std::string line = all.expect("everything stays as it is");
  BOOST_TEST(line.find("supervisor.conf:4: run has a \" without") != std::string::npos, line);
  all.send(SIGUSR1);
  all.expect("echo: USR1");
  BOOST_TEST((all.stop() == exit_status::of_signal(SIGTERM)));
  BOOST_TEST(all.count("is started, as process") == 1u);
}

BOOST_AUTO_TEST_CASE(a_service_that_comes_back_before_it_has_stopped_is_started_again) {
  const std::string stubborn = "[stubborn]\n" + run("stubborn") + "stop_within = 100ms\n";
  running all{stubborn};
  all.expect("stubborn: is ready");
  all.write_config("# nothing\n");
  all.send(SIGHUP);
  all.expect("supervisor.conf: is read");
  all.write_config(stubborn);
  all.send(SIGHUP);
  all.expect("stubborn: was killed by SIGKILL");
  all.expect("stubborn: is started");
  BOOST_TEST((all.stop() == exit_status::of_signal(SIGTERM)));
}

BOOST_AUTO_TEST_SUITE_END()
