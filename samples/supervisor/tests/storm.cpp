// The supervisor under a storm of all of its signals, while its programs crash and are started.
#include <signal.h>

#include <array>
#include <string>
#include <thread>

#include <boost/test/unit_test.hpp>

#include <sigsafe/exit_status.hpp>

#include "running.hpp"

using sigsafe::exit_status;
using supervisor::tests::run;
using supervisor::tests::running;

BOOST_AUTO_TEST_SUITE(supervisor_storm)

BOOST_AUTO_TEST_CASE(in_a_storm_of_signals_every_start_has_its_end) {
  const std::string often = "back_off = 1ms\nback_off_limit = 1ms\n";
  running all{"[crash]\n" + run("crash") + often + "[steady]\n" + run("steady") + often +
              "[forks]\n" + run("forks") + often + "[echo]\n" + run("echo")};
  all.expect("echo: is ready");
  std::thread storm{[&] {
    constexpr std::array signals{SIGHUP, SIGUSR1, SIGCHLD, SIGUSR2, SIGWINCH, SIGCHLD};
    for (std::size_t i = 0; i < 20'000; ++i) all.send(signals[i % signals.size()]);
    all.send(SIGTERM);
  }};
  const exit_status end = all.end();
  storm.join();
  BOOST_TEST((end == exit_status::of_signal(SIGTERM)));
  for (const std::string name : {"crash", "steady", "forks", "echo"}) {
    const std::string its = "supervisor: " + name + ": ";
    BOOST_TEST(all.count(its + "is started, as process") >= 1u);
    BOOST_TEST(all.count(its + "is started, as process") ==
               all.count(its + "was killed by") + all.count(its + "has exited with"));
  }
  BOOST_TEST(all.count("nobody can tell how") == 0u);
  BOOST_TEST(all.count("that had no parent any more") >= all.count("forks: has exited with 0"));
}

BOOST_AUTO_TEST_SUITE_END()
