// The tables of samples/statsd.
#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>
#include <string_view>

#include <samples/statsd/metrics.hpp>

namespace {

/// On the heap: an interval is larger than a stack should carry.
struct fixture {
  std::unique_ptr<statsd::metrics> all = std::make_unique<statsd::metrics>();

  void apply(std::string_view packet) {
    statsd::for_each_line(packet, [&](std::string_view line) {
      all->apply(statsd::parse_line(line).value());
      BOOST_TEST(all->consistent());
    });
  }
  const auto& counter(std::size_t i) { return all->counters.entries()[i]; }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(statsd_metrics, fixture)

BOOST_AUTO_TEST_CASE(a_counter_adds_up_values_by_weight) {
  apply("a:1|c\na:2|c|@0.5\nb:7|c\na:-1|c");
  BOOST_TEST(all->counters.entries().size() == 2u);
  BOOST_TEST(counter(0).name.view() == "a");
  BOOST_TEST(counter(0).value.sum == 4);
  BOOST_TEST(counter(1).value.sum == 7);
}

BOOST_AUTO_TEST_CASE(a_gauge_is_set_and_changed_and_outlives_the_interval) {
  const auto value = [&] { return all->gauges.entries()[0].value.value; };
  apply("a:-3|g");
  BOOST_TEST(value() == -3);
  apply("a:333|g\na:-10|g\na:+4|g");
  BOOST_TEST(value() == 327);
  all->clear();
  BOOST_TEST(value() == 327);
  apply("a:0|g\na:-10|g");
  BOOST_TEST(value() == -10);
}

BOOST_AUTO_TEST_CASE(a_timer_knows_sums_and_bounds) {
  apply("a:10|ms\na:4|ms|@0.5\na:-1|h");
  const statsd::timer& t = all->timers.entries()[0].value;
  BOOST_TEST(t.updates == 3u);
  BOOST_TEST(t.weight == 4);
  BOOST_TEST(t.sum == 13);
  BOOST_TEST(t.sum_squares == 117);
  BOOST_TEST(t.lower == -1);
  BOOST_TEST(t.upper == 10);
}

BOOST_AUTO_TEST_CASE(a_full_timer_still_adds_up) {
  for (std::size_t i = 0; i < statsd::timer::capacity + 10; ++i) apply("a:2|ms");
  const statsd::timer& t = all->timers.entries()[0].value;
  BOOST_TEST(t.size == statsd::timer::capacity);
  BOOST_TEST(t.sum == 2.0 * (statsd::timer::capacity + 10));
}

BOOST_AUTO_TEST_CASE(a_set_counts_different_members) {
  apply("a:x|s\na:y|s\na:x|s\nb:x|s");
  BOOST_TEST(all->sets.entries()[0].value.size == 2u);
  BOOST_TEST(all->sets.entries()[1].value.size == 1u);
  all->clear();
  apply("a:x|s");
  BOOST_TEST(all->sets.entries()[0].value.size == 1u);
}

BOOST_AUTO_TEST_CASE(members_without_room_are_counted) {
  for (std::size_t i = 0; i < statsd::set::capacity + 5; ++i)
    all->apply(*statsd::parse_line("a:" + std::to_string(i) + "|s"));
  BOOST_TEST(all->sets.entries()[0].value.size == statsd::set::capacity);
  BOOST_TEST(all->without_member == 5u);
  BOOST_TEST(all->consistent());
}

BOOST_AUTO_TEST_CASE(metrics_without_room_are_counted) {
  for (int i = 0; i < 1024 + 5; ++i)
    all->apply(*statsd::parse_line("name" + std::to_string(i) + ":1|c"));
  BOOST_TEST(all->counters.entries().size() == 1024u);
  BOOST_TEST(all->without_metric == 5u);
  BOOST_TEST(all->consistent());
  apply("name1023:1|c");  // those that are there go on
  BOOST_TEST(all->without_metric == 5u);
  BOOST_TEST(counter(1023).value.sum == 2);
}

BOOST_AUTO_TEST_CASE(a_new_interval_begins_at_nothing) {
  apply("a:1|c\nb:1|ms\nc:x|s\nd:1|g");
  all->clear();
  BOOST_TEST(all->consistent());
  BOOST_TEST(all->updates == 0u);
  BOOST_TEST(counter(0).value.sum == 0);
  BOOST_TEST(all->timers.entries()[0].value.size == 0u);
  BOOST_TEST(all->sets.entries()[0].value.size == 0u);
}

BOOST_AUTO_TEST_CASE(a_half_done_update_is_inconsistent) {
  apply("a:1|c\nb:3|ms");
  ++all->updates;
  BOOST_TEST(!all->consistent());
  --all->updates;
  BOOST_TEST(all->consistent());
  all->timers.entries()[0].value.sum += 1;
  BOOST_TEST(!all->consistent());
}

BOOST_AUTO_TEST_SUITE_END()
