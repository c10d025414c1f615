// The configuration file of samples/statsd.
#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

#include <samples/statsd/config.hpp>

namespace {

void require_error(std::string_view text, int line, std::string_view part) {
  const auto parsed = statsd::parse_config(text);
  BOOST_REQUIRE_MESSAGE(parsed.error != nullptr, "\"" << text << "\" was accepted");
  BOOST_TEST(parsed.line == line);
  BOOST_TEST(std::string_view{parsed.error}.find(part) != std::string_view::npos, parsed.error);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(statsd_config)

BOOST_AUTO_TEST_CASE(an_empty_file_means_the_defaults) {
  const auto parsed = statsd::parse_config("\n# nothing\n   \n");
  BOOST_TEST(parsed.error == nullptr);
  BOOST_TEST(parsed.settings.flush_interval.count() == 10'000);
  BOOST_TEST(parsed.settings.prefix.view() == "stats");
  BOOST_TEST(parsed.settings.after_snapshot.empty());
  BOOST_TEST(parsed.settings.percentile_count == 1u);
  BOOST_TEST(parsed.settings.percentiles[0] == 90);
}

BOOST_AUTO_TEST_CASE(all_keys_can_be_set) {
  const auto parsed = statsd::parse_config(
      "flush_interval = 250 # often\r\n\tprefix=a.b-c_d\npercentiles = 99,50 ,  75\n"
      "after_snapshot = /bin/true");
  BOOST_TEST(parsed.error == nullptr);
  BOOST_TEST(parsed.settings.flush_interval.count() == 250);
  BOOST_TEST(parsed.settings.prefix.view() == "a.b-c_d");
  BOOST_TEST(parsed.settings.after_snapshot.view() == "/bin/true");
  BOOST_TEST(parsed.settings.percentile_count == 3u);
  BOOST_TEST(parsed.settings.percentiles[0] == 50);
  BOOST_TEST(parsed.settings.percentiles[1] == 75);
  BOOST_TEST(parsed.settings.percentiles[2] == 99);
}

BOOST_AUTO_TEST_CASE(empty_values_that_mean_none_are_accepted) {
  const auto parsed = statsd::parse_config("percentiles =\nafter_snapshot =\n");
  BOOST_TEST(parsed.error == nullptr);
  BOOST_TEST(parsed.settings.percentile_count == 0u);
}

BOOST_AUTO_TEST_CASE(mistakes_are_reported_with_their_line) {
  require_error("\n\nflush_interval = soon", 3, "flush_interval wants");
  require_error("flush_interval = 0", 1, "flush_interval wants");
  require_error("flush_interval = 3600001", 1, "flush_interval wants");
  require_error("flush_interval = 10 20", 1, "flush_interval wants");
  require_error("flush_interval =", 1, "flush_interval wants");
  require_error("percentiles = 100", 1, "percentiles wants");
  require_error("percentiles = 50 x", 1, "percentiles wants");
  require_error("percentiles = 1 2 3 4 5 6 7 8 9", 1, "percentiles wants");
  require_error("prefix =", 1, "prefix wants");
  require_error("prefix = a b", 1, "prefix wants");
  require_error("prefix = " + std::string(32, 'p'), 1, "prefix wants");
  require_error("after_snapshot = true", 1, "after_snapshot wants");
  require_error("after_snapshot = /" + std::string(255, 'p'), 1, "after_snapshot wants");
  require_error("prefix = a\ninterval = 3", 2, "unknown key");
  require_error("stats", 1, "neither");
}

BOOST_AUTO_TEST_CASE(a_file_that_is_not_there_is_reported) {
  const auto parsed = statsd::read_config("/nowhere/statsd.conf");
  BOOST_REQUIRE(parsed.error != nullptr);
  BOOST_TEST(std::string_view{parsed.error}.starts_with("cannot be opened"));
}

BOOST_AUTO_TEST_CASE(a_folder_is_reported) {
  const auto parsed = statsd::read_config("/");
  BOOST_REQUIRE(parsed.error != nullptr);
  BOOST_TEST(std::string_view{parsed.error}.starts_with("cannot be read"));
}

BOOST_AUTO_TEST_SUITE_END()
