// The configuration file of the supervisor.
#include <signal.h>

#include <chrono>
#include <sstream>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <samples/supervisor/config.hpp>
#include <samples/supervisor/settings.hpp>

namespace {

std::vector<supervisor::settings> parsed(const std::string& text) {
  std::istringstream stream{text};
  return supervisor::parse_config(stream, "conf");
}

void require_error(const std::string& text, const std::string& expected) {
  BOOST_CHECK_EXCEPTION(parsed(text), supervisor::config_error, [&](const auto& error) {
    BOOST_TEST_INFO(error.what());
    return std::string{error.what()}.starts_with(expected);
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(supervisor_config)

BOOST_AUTO_TEST_CASE(a_program_is_all_that_a_service_needs) {
  const auto services = parsed("# a comment\n\n[web]\n  run = httpd -f\r\n");
  BOOST_REQUIRE(services.size() == 1u);
  const supervisor::settings& web = services[0];
  BOOST_TEST(web.name == "web");
  BOOST_TEST(web.run == (std::vector<std::string>{"httpd", "-f"}),
             boost::test_tools::per_element());
  BOOST_TEST((web.at_end == supervisor::at_end::restart));
  BOOST_TEST(web.stop_signal == SIGTERM);
  BOOST_TEST(web.stop_within.count() == 5'000);
}

BOOST_AUTO_TEST_CASE(all_keys_can_be_set) {
  const auto services = parsed(
      "[a.b-c_1]\nrun=x\nat_end = stop_all\nback_off=20ms\nback_off_limit = 2m\ndirectory = /srv\n"
      "stop_signal = SIGINT\nstop_within = 3s\n[ d ]\nrun = y\nat_end = leave\nstop_signal=QUIT\n");
  BOOST_REQUIRE(services.size() == 2u);
  const supervisor::settings& first = services[0];
  BOOST_TEST(first.name == "a.b-c_1");
  BOOST_TEST((first.at_end == supervisor::at_end::stop_all));
  BOOST_TEST(first.back_off.count() == 20);
  BOOST_TEST(first.back_off_limit.count() == 120'000);
  BOOST_TEST(first.directory == "/srv");
  BOOST_TEST(first.stop_signal == SIGINT);
  BOOST_TEST(first.stop_within.count() == 3'000);
  BOOST_TEST(services[1].name == "d");
  BOOST_TEST((services[1].at_end == supervisor::at_end::leave));
  BOOST_TEST(services[1].stop_signal == SIGQUIT);
}

BOOST_AUTO_TEST_CASE(quotes_make_one_word) {
  const auto services = parsed("[a]\nrun = sh -c \"echo = # 1\" \"\" x\"y z\"\n");
  const std::vector<std::string> words{"sh", "-c", "echo = # 1", "", "xy z"};
  BOOST_TEST(services.at(0).run == words, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(mistakes_are_reported_with_their_line) {
  require_error("\n\nrun = x\n", "conf:3: a \"[service]\" must stand before");
  require_error("[a]\nrun = x\nwhat\n", "conf:3: this is neither");
  require_error("[a]\nrun = x\ncolour = red\n", "conf:3: colour is unknown; there are run,");
  require_error("[a]\nrun =\n", "conf:2: run wants a program");
  require_error("[a]\nrun = \"\" x\n", "conf:2: run wants a program");
  require_error("[a]\nrun = x \"y\n", "conf:2: run has a \" without its other one");
  require_error("[a]\nrun = x\n[a]\nrun = y\n", "conf:3: there are two services of this name");
  require_error("[a b]\nrun = x\n", "conf:1: the name of a service");
  require_error("[]\nrun = x\n", "conf:1: the name of a service");
  require_error("[a]\nrun = x\n\n[b]\n# no program\n", "conf:4: this service has no \"run");
  require_error("[a]\nat_end = stop\n", "conf:2: at_end wants restart,");
  require_error("[a]\nstop_signal = TREM\n", "conf:2: stop_signal wants a signal");
  for (const char* time : {"", "5", "s", "0s", "-1s", "5 s", "5h", "99999999999s", "40000000m"})
    require_error(std::string{"[a]\nback_off = "} + time + "\n", "conf:2: back_off wants a time");
}

BOOST_AUTO_TEST_CASE(files_that_cannot_be_read_are_reported) {
  for (const char* path : {"/nowhere/supervisor.conf", "/"})
    BOOST_CHECK_EXCEPTION(static_cast<void>(supervisor::read_config(path)),
                          supervisor::config_error, [&](const auto& error) {
                            return std::string{error.what()}.starts_with(std::string{path} + ": ");
                          });
}

BOOST_AUTO_TEST_SUITE_END()
