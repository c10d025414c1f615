// The command line and the reports of sigsafe-stress.
#include <boost/test/unit_test.hpp>

#include <stdio.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include <tests/stress/options.hpp>
#include <tests/stress/report.hpp>

namespace {

using stress::histogram;
using stress::verdict;

/// What is printed to a file in memory.
class memory_file {
 public:
  memory_file() : file_(::open_memstream(&text_, &size_)) { BOOST_REQUIRE(file_ != nullptr); }
  memory_file(const memory_file&) = delete;
  memory_file& operator=(const memory_file&) = delete;
  ~memory_file() {
    std::fclose(file_);
    std::free(text_);
  }

  [[nodiscard]] std::FILE* get() const { return file_; }
  [[nodiscard]] std::string text() const {
    std::fflush(file_);
    return {text_, size_};
  }

 private:
  char* text_ = nullptr;
  std::size_t size_ = 0;
  std::FILE* file_;
};

/// The reports ask the environment whether they may use more than ASCII.
struct locale {
  locale() { set("C.UTF-8"); }
  static void set(const char* name) { ::setenv("LC_ALL", name, 1); }
};

/// A folder for the files of a case.
struct folder : locale {
  folder() {
    std::string name = (std::filesystem::temp_directory_path() / "stress_report.XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() { std::filesystem::remove_all(path); }

  std::filesystem::path path;
};

const stress::choices known{
    {"mutex", "guard", "ref_cell"}, {"eager", "lazy"}, {"kill", "timer"}, {"no_hold", "no_replay"}};

struct parsed {
  std::variant<stress::options, int> value;
  std::string errors, output;
};

parsed parse(std::vector<const char*> arguments, const stress::choices& names = known) {
  arguments.insert(arguments.begin(), "sigsafe-stress");
  const memory_file errors, output;
  auto value = stress::parse(static_cast<int>(arguments.size()), arguments.data(), names,
                             errors.get(), output.get());
  return {std::move(value), errors.text(), output.text()};
}

stress::options options_of(const std::vector<const char*>& arguments) {
  const parsed all = parse(arguments);
  BOOST_REQUIRE_MESSAGE(all.value.index() == 0, all.errors);
  BOOST_TEST(all.errors == "");
  BOOST_TEST(all.output == "");
  return std::get<stress::options>(all.value);
}

void require_refused(const std::vector<const char*>& arguments, const std::string& message,
                     const stress::choices& names = known) {
  const parsed all = parse(arguments, names);
  BOOST_REQUIRE_MESSAGE(all.value.index() == 1, "accepted; expected: " << message);
  BOOST_TEST(std::get<int>(all.value) == 2);
  BOOST_TEST(all.errors == "sigsafe-stress: " + message + "\n");
  BOOST_TEST(all.output == "");
}

stress::result passed_result() {
  stress::result one;
  one.of = {.scenario = "mutex",
            .backend = "lazy",
            .source = "timer",
            .mutant = "",
            .threads = 4,
            .rate = 1000,
            .seconds = 2,
            .seed = std::numeric_limits<std::uint64_t>::max()};
  one.seconds = 2.0015;
  one.operations = 1'234'567;
  one.sent = 2100;
  one.delivered = 2000;
  one.deferred = 70;
  one.coalesced = 100;
  one.most = 12'900'000;
  one.delays.resize(histogram::size);
  one.delays[histogram::index(1000)] = 1900;
  one.delays[histogram::index(12'900'000)] = 100;
  return one;
}

stress::result violated_result() {
  stress::result one;
  one.of = {.scenario = "ref_cell",
            .backend = "eager",
            .source = "kill",
            .mutant = "",
            .threads = 2,
            .rate = 0,
            .seconds = 1,
            .seed = 7};
  one.ended = verdict::violated;
  one.violation = "a signal\nwas \"lost\" & <torn>\x1b[1m";
  one.repeat = "sigsafe-stress --seed 7";
  one.seconds = 0.25;
  one.operations = 10;
  one.lost = 1;
  one.torn = 2;
  one.delays.resize(histogram::size);
  return one;
}

stress::result interrupted_result() {
  stress::result one;
  one.of.scenario = "guard";
  one.of.backend = "lazy";
  one.of.source = "kill";
  one.ended = verdict::interrupted;
  return one;
}

template <class print>
std::string printed(print&& by, const std::vector<stress::result>& results) {
  const memory_file to;
  by(to.get(), results);
  return to.text();
}

std::string contents_of(const std::string& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(stress_report)

// ---- the command line --------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(no_arguments_mean_all_and_a_new_seed) {
  const stress::options wanted = options_of({});
  BOOST_TEST(wanted.scenarios.empty());
  BOOST_TEST(wanted.backends.empty());
  BOOST_TEST(wanted.sources.empty());
  BOOST_TEST(wanted.threads == 0u);
  BOOST_TEST(wanted.rate == 0u);
  BOOST_TEST(wanted.seconds == 0);
  BOOST_TEST(wanted.mutant == "");
  BOOST_TEST(!wanted.self_test);
  BOOST_TEST(!wanted.list);
  BOOST_TEST(wanted.soak_hours == 0);
  BOOST_TEST(wanted.shard == 1u);
  BOOST_TEST(wanted.shards == 1u);
  BOOST_TEST(wanted.json_file == "");
  BOOST_TEST(wanted.junit_file == "");
  BOOST_TEST(wanted.seed != options_of({}).seed);
}

BOOST_FIXTURE_TEST_CASE(all_options_can_be_given, folder) {
  const std::string json = path / "a.json", junit = path / "a.xml";
  const stress::options wanted = options_of({"--scenario",
                                             "guard",
                                             "--backend=lazy",
                                             "--source",
                                             "timer",
                                             "--threads",
                                             "1024",
                                             "--rate",
                                             "1000000000",
                                             "--seconds",
                                             "0.5",
                                             "--seed",
                                             "18446744073709551615",
                                             "--mutant",
                                             "no_hold",
                                             "--list",
                                             "--soak",
                                             "1.5",
                                             "--shard",
                                             "2/4",
                                             "--json",
                                             json.c_str(),
                                             "--junit",
                                             junit.c_str()});
  BOOST_TEST(wanted.scenarios == std::vector<std::string>{"guard"});
  BOOST_TEST(wanted.backends == std::vector<std::string>{"lazy"});
  BOOST_TEST(wanted.sources == std::vector<std::string>{"timer"});
  BOOST_TEST(wanted.threads == 1024u);
  BOOST_TEST(wanted.rate == 1'000'000'000u);
  BOOST_TEST(wanted.seconds == 0.5);
  BOOST_TEST(wanted.seed == std::numeric_limits<std::uint64_t>::max());
  BOOST_TEST(wanted.mutant == "no_hold");
  BOOST_TEST(wanted.list);
  BOOST_TEST(wanted.soak_hours == 1.5);
  BOOST_TEST(wanted.shard == 2u);
  BOOST_TEST(wanted.shards == 4u);
  BOOST_TEST(wanted.json_file == json);
  BOOST_TEST(wanted.junit_file == junit);
  BOOST_TEST(!std::filesystem::exists(json));
  BOOST_TEST(options_of({"--self-test"}).self_test);
  BOOST_TEST(options_of({"--rate", "max"}).rate == 0u);
  BOOST_TEST(options_of({"--seed", "0"}).seed == 0u);
  BOOST_TEST(options_of({"--shard", "4/4"}).shard == 4u);
}

BOOST_AUTO_TEST_CASE(names_come_with_commas_and_in_several_options_and_count_once) {
  const stress::options wanted = options_of({"--scenario", "ref_cell,mutex", "--scenario", "mutex",
                                             "--scenario=guard", "--backend", "lazy,eager"});
  BOOST_TEST(wanted.scenarios == (std::vector<std::string>{"ref_cell", "mutex", "guard"}));
  BOOST_TEST(wanted.backends == (std::vector<std::string>{"lazy", "eager"}));
}

BOOST_AUTO_TEST_CASE(help_describes_the_options_and_the_exit_statuses) {
  const parsed all = parse({"--help"});
  BOOST_REQUIRE(all.value.index() == 1);
  BOOST_TEST(std::get<int>(all.value) == 0);
  BOOST_TEST(all.errors == "");
  for (const std::string_view part :
       {"--scenario", "--backend", "--source", "--threads", "--rate", "--seconds", "--seed",
        "--mutant", "--self-test", "--list", "--soak", "--shard", "--json", "--junit", "--help",
        "Examples:", "Exit status:", "3    this system", "130  interrupted"})
    BOOST_TEST(all.output.find(part) != std::string::npos, part << " is missing");
}

BOOST_AUTO_TEST_CASE(unknown_names_are_refused_with_the_nearest_and_all) {
  require_refused({"--scenario", "mutx"},
                  "there is no scenario \"mutx\"; did you mean \"mutex\"?\n"
                  "choose from: mutex, guard, ref_cell");
  require_refused({"--scenario", "mutex,gard"},
                  "there is no scenario \"gard\"; did you mean \"guard\"?\n"
                  "choose from: mutex, guard, ref_cell");
  require_refused({"--scenario", "mutex,"},
                  "there is no scenario \"\"\nchoose from: mutex, guard, ref_cell");
  require_refused({"--backend", "Lazy"},
                  "there is no backend \"Lazy\"; did you mean \"lazy\"?\n"
                  "choose from: eager, lazy");
  require_refused({"--source", "xxxxxxxx"},
                  "there is no source \"xxxxxxxx\"\nchoose from: kill, timer");
  require_refused({"--mutant", "no_held"},
                  "there is no mutant \"no_held\"; did you mean \"no_hold\"?\n"
                  "choose from: no_hold, no_replay");
}

BOOST_AUTO_TEST_CASE(long_lists_are_left_to_the_list_option) {
  stress::choices many = known;
  for (int i = 10; i < 50; ++i) many.mutants.push_back("mutant_" + std::to_string(i));
  require_refused({"--mutant", "mutant_9"},
                  "there is no mutant \"mutant_9\"; did you mean \"mutant_19\"?\n"
                  "--list names all 42",
                  many);
}

BOOST_AUTO_TEST_CASE(a_build_without_mutants_says_so) {
  stress::choices few = known;
  few.mutants.clear();
  require_refused({"--mutant", "no_hold"},
                  "there is no mutant \"no_hold\": this program was built without any; leave the "
                  "option out",
                  few);
}

BOOST_AUTO_TEST_CASE(unknown_options_are_refused_with_the_nearest) {
  const std::string end = "\n--help describes the options";
  require_refused({"--scenaro", "mutex"},
                  "there is no option \"--scenaro\"; did you mean \"--scenario\"?" + end);
  require_refused({"--secods=3"},
                  "there is no option \"--secods\"; did you mean \"--seconds\"?" + end);
  require_refused({"-x"}, "there is no option \"-x\"" + end);
  require_refused({"mutex"}, "\"mutex\" follows no option that takes it" + end);
  require_refused({"--scenario", "mutex", "guard"},
                  "\"guard\" follows no option that takes it" + end);
}

BOOST_AUTO_TEST_CASE(options_without_a_value_or_with_two_are_refused) {
  const std::string end = "\n--help describes the options";
  require_refused({"--seconds"}, "--seconds needs a value" + end);
  require_refused({"--scenario="}, "--scenario needs a value" + end);
  require_refused({"--seed", "1", "--seed", "2"}, "--seed was given more than once" + end);
}

BOOST_AUTO_TEST_CASE(bad_numbers_are_refused) {
  for (const char* each : {"0", "1025", "-1", "two", "", "2.5", "2 ", "99999999999"})
    require_refused({"--threads", each}, "--threads wants a whole number from 1 to 1024, not \"" +
                                             std::string{each} + "\"");
  for (const char* each : {"0", "-1", "Max", "1e3", "1000000001"})
    require_refused({"--rate", each},
                    "--rate wants a whole number from 1 to 1000000000, or max for as fast as it "
                    "goes, not \"" +
                        std::string{each} + "\"");
  for (const char* each : {"0", "-1", "nan", "inf", "86401", "1s", ""})
    require_refused({"--seconds", each},
                    "--seconds wants a number of seconds above 0 and up to 86400, not \"" +
                        std::string{each} + "\"");
  for (const char* each : {"0", "-0.5", "nan", "10001", "all"})
    require_refused({"--soak", each},
                    "--soak wants a number of hours above 0 and up to 10000, not \"" +
                        std::string{each} + "\"");
  for (const char* each : {"-1", "x", "18446744073709551616"})
    require_refused({"--seed", each},
                    "--seed wants a whole number from 0 to 18446744073709551615, not \"" +
                        std::string{each} + "\"");
  for (const char* each : {"3/2", "0/4", "0/0", "2", "/", "1/", "/2", "1/2/3", "-1/2", ""})
    require_refused({"--shard", each}, "--shard wants i/n with i from 1 to n, such as 2/4, not \"" +
                                           std::string{each} + "\"");
}

BOOST_AUTO_TEST_CASE(a_self_test_takes_no_mutant_and_no_soak) {
  require_refused({"--self-test", "--mutant", "no_hold"},
                  "--self-test runs every mutant; leave out --mutant, or --self-test for one");
  require_refused(
      {"--self-test", "--json", "report.json"},
      "--self-test prints what it caught and writes no report; leave out --json and --junit");
  require_refused({"--soak", "1", "--self-test"},
                  "--self-test ends by itself; leave out --soak, or --self-test for a soak");
}

BOOST_FIXTURE_TEST_CASE(files_that_cannot_be_written_are_refused_before_the_runs, folder) {
  const std::string missing = path / "missing/a.json";
  require_refused({"--json", missing.c_str()},
                  "--json \"" + missing +
                      "\" cannot be written: its folder: No such file or directory; choose another "
                      "or change that");
  const std::string file = path / "a.xml", below = file + "/b.xml";
  stress::write_file(file, "");
  require_refused({"--junit", below.c_str()},
                  "--junit \"" + below +
                      "\" cannot be written: its folder: Not a directory; choose another or change "
                      "that");
  require_refused(
      {"--junit", path.c_str()},
      "--junit wants the name of a file, this is a folder, not \"" + path.string() + "\"");
  require_refused({"--json", ""}, "--json wants the name of a file, not \"\"");
  const std::string same = path / "./a.xml";
  require_refused({"--json", file.c_str(), "--junit", same.c_str()},
                  "--json and --junit name the same file; one would overwrite the other");
  BOOST_TEST(options_of({"--json", file.c_str()}).json_file == file);
  BOOST_TEST(options_of({"--json", "in_this_folder.json"}).json_file == "in_this_folder.json");
}

BOOST_AUTO_TEST_CASE(the_nearest_name_has_the_fewest_changes_and_something_in_common) {
  const std::vector<std::string> names{"abc", "abcd", "xyz"};
  BOOST_TEST(stress::nearest("abcd", names).value() == "abcd");
  BOOST_TEST(stress::nearest("ab", names).value() == "abc");
  BOOST_TEST(stress::nearest("bcd", names).value() == "abcd");
  BOOST_TEST(stress::nearest("xz", names).value() == "xyz");
  BOOST_TEST(stress::nearest("axcx", names).value() == "abc");
  BOOST_TEST(!stress::nearest("1234", names).has_value());
  BOOST_TEST(!stress::nearest("", names).has_value());
  BOOST_TEST(!stress::nearest("abc", {}).has_value());
}

// ---- numbers -----------------------------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(durations_have_a_unit_and_few_digits, locale) {
  BOOST_TEST(stress::duration_text(0) == "0 ns");
  BOOST_TEST(stress::duration_text(812) == "812 ns");
  BOOST_TEST(stress::duration_text(999) == "999 ns");
  BOOST_TEST(stress::duration_text(1000) == "1.0 µs");
  BOOST_TEST(stress::duration_text(4'096) == "4.1 µs");
  BOOST_TEST(stress::duration_text(9'949) == "9.9 µs");
  BOOST_TEST(stress::duration_text(9'960) == "10 µs");
  BOOST_TEST(stress::duration_text(999'499) == "999 µs");
  BOOST_TEST(stress::duration_text(999'500) == "1.0 ms");
  BOOST_TEST(stress::duration_text(13'000'000) == "13 ms");
  BOOST_TEST(stress::duration_text(999'999'999) == "1.0 s");
  BOOST_TEST(stress::duration_text(2'000'000'000) == "2.0 s");
  BOOST_TEST(stress::duration_text(3'600'000'000'000) == "3600 s");
}

BOOST_FIXTURE_TEST_CASE(the_first_locale_variable_that_is_set_decides_about_ascii, locale) {
  set("C");
  BOOST_TEST(stress::duration_text(4'100) == "4.1 us");
  set("de_DE.utf8");
  BOOST_TEST(stress::duration_text(4'100) == "4.1 µs");
  set("");
  ::setenv("LC_CTYPE", "", 1);
  ::setenv("LANG", "en_GB.UTF-8", 1);
  BOOST_TEST(stress::duration_text(4'100) == "4.1 µs");
  ::setenv("LC_CTYPE", "POSIX", 1);
  BOOST_TEST(stress::duration_text(4'100) == "4.1 us");
  ::unsetenv("LC_CTYPE");
  ::unsetenv("LANG");
  BOOST_TEST(stress::duration_text(4'100) == "4.1 us");
}

BOOST_AUTO_TEST_CASE(large_counts_have_commas) {
  BOOST_TEST(stress::count_text(0) == "0");
  BOOST_TEST(stress::count_text(999) == "999");
  BOOST_TEST(stress::count_text(1000) == "1,000");
  BOOST_TEST(stress::count_text(1'234'567) == "1,234,567");
  BOOST_TEST(stress::count_text(std::numeric_limits<std::uint64_t>::max()) ==
             "18,446,744,073,709,551,615");
}

BOOST_AUTO_TEST_CASE(a_time_is_below_the_bound_of_its_bucket_by_at_most_an_eighth) {
  for (std::size_t i = 0; i < histogram::size; ++i) {
    const std::uint64_t first = i == 0 ? 0 : histogram::upper(i - 1);
    const std::uint64_t end = histogram::upper(i);
    BOOST_TEST(histogram::index(first) == i);
    BOOST_TEST(histogram::index(end - 1) == i);
    BOOST_TEST((end - first <= 1 || 8 * (end - first) <= first));
  }
  BOOST_TEST(histogram::index(std::numeric_limits<std::uint64_t>::max()) == histogram::size - 1);
}

BOOST_AUTO_TEST_CASE(a_part_of_all_times_is_below_its_bound) {
  histogram times;
  for (std::uint64_t i = 0; i < 100; ++i) times.add(i < 50 ? 3 : i < 99 ? 1000 : 1'000'000);
  BOOST_TEST(times.most() == 1'000'000u);
  std::vector<std::uint64_t> buckets;
  for (std::size_t i = 0; i < histogram::size; ++i) buckets.push_back(times.of(i));
  BOOST_TEST(histogram::bound(buckets, 0.5) == 4u);
  BOOST_TEST(histogram::bound(buckets, 0.51) == 1024u);
  BOOST_TEST(histogram::bound(buckets, 0.99) == 1024u);
  BOOST_TEST(histogram::bound(buckets, 1) == histogram::upper(histogram::index(1'000'000)));
  BOOST_TEST(histogram::bound({}, 0.5) == 0u);
}

BOOST_FIXTURE_TEST_CASE(runs_of_the_same_become_one_line_with_their_number, locale) {
  stress::result sum = passed_result();
  sum.add(passed_result());
  stress::result slow = passed_result();
  slow.most = 1'000'000'000;
  sum.add(slow);
  BOOST_TEST(sum.seconds == 3 * 2.0015);
  BOOST_TEST(
      printed(stress::print_table, {sum}) ==
      R"(scenario  backend  source  runs  operations  signals  deferred  coalesced  lost  torn  p50 <=  p99 <=    max  verdict
mutex     lazy     timer      3   3,703,701    6,000       210        300     0     0  1.0 µs   14 ms  1.0 s  passed
)");
  const auto totals =
      nlohmann::json::parse(stress::json_of({sum}, {}, verdict::passed, 6)).at("totals");
  BOOST_TEST(totals.at("runs") == 3u);
  BOOST_TEST(totals.at("passed") == 3u);
}

// ---- the table and the bars --------------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(the_table_is_aligned_and_names_what_repeats_a_violation, locale) {
  BOOST_TEST(
      printed(stress::print_table, {passed_result(), violated_result()}) ==
      R"(scenario  backend  source  operations  signals  deferred  coalesced  lost  torn  p50 <=  p99 <=    max  verdict
mutex     lazy     timer    1,234,567    2,000        70        100     0     0  1.0 µs   13 ms  13 ms  passed
ref_cell  eager    kill            10        0         0          0     1     2       -       -      -  VIOLATED
VIOLATION in ref_cell on eager with signals from kill: a signal was "lost" & <torn> [1m; repeat: sigsafe-stress --seed 7
)");
}

BOOST_FIXTURE_TEST_CASE(the_table_names_mutants_when_there_are_any, locale) {
  stress::result mutated = violated_result();
  mutated.of.mutant = "no_hold";
  const std::string text = printed(stress::print_table, {interrupted_result(), mutated});
  BOOST_TEST(text.find("source  mutant   operations") != std::string::npos, text);
  BOOST_TEST(text.find("guard     lazy     kill    -        ") != std::string::npos, text);
  BOOST_TEST(text.find("interrupted\n") != std::string::npos, text);
  BOOST_TEST(text.find("ref_cell  eager    kill    no_hold  ") != std::string::npos, text);
  BOOST_TEST(text.find("from kill, mutant no_hold: a signal") != std::string::npos, text);
}

BOOST_FIXTURE_TEST_CASE(delays_of_a_backend_and_source_are_one_row_of_bars, locale) {
  stress::result other = passed_result();
  other.of.backend = "eager";
  other.delays.assign(histogram::size, 0);
  other.delays[histogram::index(1000)] = 1;
  other.delays[histogram::index(2000)] = 2;
  other.delays[histogram::index(5000)] = 4;
  const std::vector<stress::result> all{passed_result(), violated_result(), other, passed_result()};
  BOOST_TEST(printed(stress::print_delays, all) ==
             "Delays from sending to the handler, 2 characters for each power of two:\n"
             "backend  source  signals  delay\n"
             "lazy     timer     4,000  ██                          ▁▁\n"
             "eager    timer         7  ▂▂▄▄  ██\n"
             "                          |512 ns   |16 µs    |524 µs\n");
  set("C");
  BOOST_TEST(printed(stress::print_delays, all) ==
             "Delays from sending to the handler, 2 characters for each power of two:\n"
             "backend  source  signals  delay\n"
             "lazy     timer     4,000  @@                          ..\n"
             "eager    timer         7  ::==  @@\n"
             "                          |512 ns   |16 us    |524 us\n");
}

BOOST_FIXTURE_TEST_CASE(without_delays_there_are_no_bars, locale) {
  BOOST_TEST(printed(stress::print_delays, {violated_result(), interrupted_result()}) == "");
}

// ---- the files ---------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(json_has_everything_about_the_results) {
  const stress::options with = options_of(
      {"--seed", "18446744073709551615", "--shard", "1/3", "--backend", "lazy", "--soak", "0.5"});
  const std::vector<stress::result> results{passed_result(), violated_result(),
                                            interrupted_result()};
  const auto all = nlohmann::json::parse(stress::json_of(results, with, verdict::violated, 12.5));
  BOOST_TEST(all.at("version") == 1);
  BOOST_TEST(all.at("seed") == std::numeric_limits<std::uint64_t>::max());
  BOOST_TEST(all.at("verdict") == "violated");
  BOOST_TEST(all.at("seconds") == 12.5);
  BOOST_TEST(all.at("settings") == nlohmann::json::parse(R"({
    "scenarios": [], "backends": ["lazy"], "sources": [], "threads": 0, "rate": 0, "seconds": 0.0,
    "mutant": "", "self_test": false, "soak_hours": 0.5, "shard": 1, "shards": 3})"));
  BOOST_TEST(all.at("totals") == nlohmann::json::parse(R"({
    "runs": 3, "passed": 1, "violated": 1, "interrupted": 1, "operations": 1234577, "sent": 2100,
    "delivered": 2000, "deferred": 70, "coalesced": 100, "lost": 1, "torn": 2, "disorder": 0})"));
  BOOST_REQUIRE(all.at("results").size() == 3u);
  BOOST_TEST(all.at("results").at(0) == nlohmann::json::parse(R"({
    "scenario": "mutex", "backend": "lazy", "source": "timer", "mutant": "", "threads": 4,
    "rate": 1000, "planned_seconds": 2.0, "seed": 18446744073709551615, "runs": 1, "verdict": "passed",
    "violation": "", "repeat": "", "seconds": 2.0015, "operations": 1234567, "sent": 2100,
    "delivered": 2000, "deferred": 70, "coalesced": 100, "lost": 0, "torn": 0, "disorder": 0,
    "p50_ns": 1024, "p99_ns": 12900000, "max_ns": 12900000,
    "delays": [[1024, 1900], [13631488, 100]]})"));
  BOOST_TEST(all.at("results").at(1).at("violation") == violated_result().violation);
  BOOST_TEST(all.at("results").at(1).at("repeat") == "sigsafe-stress --seed 7");
  BOOST_TEST(all.at("results").at(1).at("delays") == nlohmann::json::array());
  BOOST_TEST(all.at("results").at(2).at("verdict") == "interrupted");
}

BOOST_AUTO_TEST_CASE(text_that_was_cut_within_a_character_becomes_valid) {
  stress::result cut = violated_result();
  cut.violation = "4 \xc2";
  const auto all = nlohmann::json::parse(stress::json_of({cut}, {}, verdict::violated, 1));
  BOOST_TEST(all.at("results").at(0).at("violation") == "4 \xef\xbf\xbd");
  BOOST_TEST(stress::junit_of({cut}, 1).find("message=\"4 \xef\xbf\xbd\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(junit_names_each_run_and_escapes_what_xml_reserves) {
  stress::result mutated = interrupted_result();
  mutated.of.mutant = "no_hold";
  BOOST_TEST(stress::junit_of({passed_result(), violated_result(), mutated}, 2.5) ==
             R"xml(<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="sigsafe-stress" tests="3" failures="1" errors="0" skipped="1" time="2.500">
  <testsuite name="sigsafe-stress" tests="3" failures="1" errors="0" skipped="1" time="2.500">
    <testcase classname="mutex.lazy" name="timer" time="2.002"/>
    <testcase classname="ref_cell.eager" name="kill" time="0.250">
      <failure message="a signal&#10;was &quot;lost&quot; &amp; &lt;torn&gt;[1m">repeat: sigsafe-stress --seed 7</failure>
    </testcase>
    <testcase classname="guard.lazy" name="kill (mutant no_hold)" time="0.000"><skipped/></testcase>
  </testsuite>
</testsuites>
)xml");
}

BOOST_FIXTURE_TEST_CASE(files_are_overwritten, folder) {
  const std::string file = path / "a.json";
  stress::write_file(file, "longer than the other\n");
  stress::write_file(file, "short\n");
  BOOST_TEST(contents_of(file) == "short\n");
}

BOOST_AUTO_TEST_CASE(what_could_not_be_written_is_an_error_with_the_path) {
  for (const auto& [path, error] :
       {std::pair{"/nowhere/a.json", std::errc::no_such_file_or_directory},
        std::pair{"/dev/full", std::errc::no_space_on_device}}) {
    const auto is_it = [path = path, error = error](const std::system_error& thrown) {
      return thrown.code() == error &&
             std::string_view{thrown.what()}.find(path) != std::string_view::npos;
    };
    BOOST_CHECK_EXCEPTION(stress::write_file(path, "text"), std::system_error, is_it);
  }
}

BOOST_AUTO_TEST_SUITE_END()
