// The parser of samples/statsd.
#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <samples/statsd/protocol.hpp>

namespace {

using statsd::update;

update parsed(std::string_view line) {
  const auto result = statsd::parse_line(line);
  BOOST_REQUIRE_MESSAGE(result.has_value(), "\"" << line << "\" is malformed");
  return *result;
}

bool is_malformed(std::string_view line) { return !statsd::parse_line(line).has_value(); }

std::vector<std::string> lines_of(std::string_view packet) {
  std::vector<std::string> lines;
  statsd::for_each_line(packet, [&](std::string_view line) { lines.emplace_back(line); });
  return lines;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(statsd_protocol)

BOOST_AUTO_TEST_CASE(a_counter_has_a_name_and_a_value) {
  const update u = parsed("requests:3|c");
  BOOST_TEST((u.what == update::kind::counter));
  BOOST_TEST(u.name.view() == "requests");
  BOOST_TEST(u.value == 3);
  BOOST_TEST(u.weight == 1);
}

BOOST_AUTO_TEST_CASE(a_rate_says_how_many_events_a_line_stands_for) {
  BOOST_TEST(parsed("a:1|c|@0.1").weight == 10);
  BOOST_TEST(parsed("a:1|c|@0.25").weight == 4);
  BOOST_TEST(parsed("a:1|c|@1").weight == 1);
  BOOST_TEST(parsed("a:320|ms|@0.5").weight == 2);
}

BOOST_AUTO_TEST_CASE(rates_outside_of_0_to_1_are_malformed) {
  for (const auto* line : {"a:1|c|@0", "a:1|c|@-0.5", "a:1|c|@1.5", "a:1|c|@", "a:1|c|0.1",
                           "a:1|c|", "a:1|c|@x", "a:1|c|@nan", "a:1|c|@inf", "a:1|c|@0.1|"})
    BOOST_TEST(is_malformed(line), line);
}

BOOST_AUTO_TEST_CASE(a_sign_makes_a_gauge_relative) {
  BOOST_TEST((parsed("a:5|g").what == update::kind::gauge));
  BOOST_TEST((parsed("a:+5|g").what == update::kind::gauge_change));
  BOOST_TEST((parsed("a:-5|g").what == update::kind::gauge_change));
  BOOST_TEST(parsed("a:+5|g").value == 5);
  BOOST_TEST(parsed("a:-5|g").value == -5);
}

BOOST_AUTO_TEST_CASE(timings_and_histograms_are_the_same) {
  BOOST_TEST((parsed("a:3.5|ms").what == update::kind::timing));
  BOOST_TEST((parsed("a:3.5|h").what == update::kind::timing));
  BOOST_TEST(parsed("a:3.5|h").value == 3.5);
}

BOOST_AUTO_TEST_CASE(a_member_of_a_set_is_any_text) {
  const update u = parsed("users:ann:1|s");
  BOOST_TEST((u.what == update::kind::set));
  BOOST_TEST(u.name.view() == "users");
  BOOST_TEST(u.member == parsed("users:ann:1|s").member);
  BOOST_TEST(u.member != parsed("users:ann:2|s").member);
}

BOOST_AUTO_TEST_CASE(names_are_cleaned) {
  BOOST_TEST(parsed("a b\t c:1|c").name.view() == "a_b_c");
  BOOST_TEST(parsed("a/b:1|c").name.view() == "a-b");
  BOOST_TEST(parsed("a(b)$.c-d_9:1|c").name.view() == "ab.c-d_9");
}

BOOST_AUTO_TEST_CASE(names_have_1_to_63_characters) {
  const std::string longest(statsd::metric_name::capacity, 'n');
  BOOST_TEST(parsed(longest + ":1|c").name.view() == longest);
  BOOST_TEST(is_malformed(longest + "n:1|c"));
  BOOST_TEST(is_malformed(std::string(100'000, 'n').append(":1|c")));
  BOOST_TEST(is_malformed(":1|c"));
  BOOST_TEST(is_malformed("$$:1|c"));
}

BOOST_AUTO_TEST_CASE(lines_without_one_of_their_parts_are_malformed) {
  for (const auto* line :
       {"a", "a:", "a:1", "a:|c", "a:1|", "a|c", "|", ":", "1|c", ":|", "a:1c", "a:1||@0.1"})
    BOOST_TEST(is_malformed(line), line);
}

BOOST_AUTO_TEST_CASE(every_truncation_of_a_line_is_malformed_or_a_shorter_line) {
  const std::string_view line = "requests:12|c|@0.5";
  for (std::size_t size = 0; size < line.size(); ++size) {
    const std::string cut{line.substr(0, size)};  // its own memory, so that ASan sees its end
    BOOST_TEST(is_malformed(cut) == (cut != "requests:12|c"), cut);
  }
}

BOOST_AUTO_TEST_CASE(unknown_types_are_malformed) {
  for (const auto* line : {"a:1|q", "a:1|C", "a:1|m", "a:1|cc", "a:1|c |", "a:1| c", "a:1|c|#tag"})
    BOOST_TEST(is_malformed(line), line);
}

BOOST_AUTO_TEST_CASE(numbers_are_finite_and_whole) {
  for (const auto* line : {"a:x|c", "a:1x|c", "a: 1|c", "a:1 |c", "a:0x10|c", "a:nan|c", "a:inf|c",
                           "a:-inf|g", "a:+nan|g", "a:1e999|ms", "a:-1e999|g", "a:--1|c", "a:+-1|c",
                           "a:-+1|c", "a:++1|c", "a:+|g", "a:-|g", "a:.|c", "a:1e308|c|@0.01"})
    BOOST_TEST(is_malformed(line), line);
  BOOST_TEST(parsed("a:-1.5e3|c").value == -1500);
  BOOST_TEST(parsed("a:.5|ms").value == 0.5);
}

BOOST_AUTO_TEST_CASE(a_null_character_is_no_end) {
  using namespace std::string_view_literals;
  BOOST_TEST(is_malformed("a:1\0|c"sv));
  BOOST_TEST(is_malformed("a:1|c\0"sv));
  BOOST_TEST(parsed("a\0b:1|c"sv).name.view() == "ab");
}

BOOST_AUTO_TEST_CASE(a_packet_is_split_into_its_lines) {
  const std::vector<std::string> two{"a:1|c", "b:2|g"};
  BOOST_TEST(lines_of("a:1|c\nb:2|g") == two);
  BOOST_TEST(lines_of("a:1|c\nb:2|g\n") == two);
  BOOST_TEST(lines_of("\n\na:1|c\r\n\r\nb:2|g\r\n") == two);
  BOOST_TEST(lines_of("").empty());
  BOOST_TEST(lines_of("\n").empty());
}

BOOST_AUTO_TEST_CASE(of_a_cut_packet_the_whole_lines_count) {
  BOOST_TEST(statsd::whole_lines("a:1|c\nb:2|") == "a:1|c");
  BOOST_TEST(statsd::whole_lines("a:1|c\n") == "a:1|c");
  BOOST_TEST(statsd::whole_lines("a:1|").empty());
  BOOST_TEST(statsd::whole_lines("").empty());
}

BOOST_AUTO_TEST_SUITE_END()
