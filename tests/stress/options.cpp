#include <tests/stress/options.hpp>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <random>
#include <stdexcept>
#include <system_error>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace stress {
namespace {

constexpr unsigned most_threads = 1024;
// Above that, the time between two signals would be less than a nanosecond.
constexpr std::uint64_t most_rate = 1'000'000'000;
constexpr double most_seconds = 86'400;
constexpr double most_hours = 10'000;
constexpr std::size_t short_list = 80;

constexpr const char* footer =
    R"(NAMES are one or more, with commas between them; these options may be repeated.

Examples:
  sigsafe-stress --scenario words,cell --seconds 10 --json report.json
      10 seconds of each run of two scenarios, on all backends, from all sources
  sigsafe-stress --soak 8 --seed 1 --shard 2/4
      the second quarter of all runs, again and again for 8 hours

Exit status:
  0    all runs passed
  1    there was a violation
  2    the arguments were bad
  3    this system did not let it run, such as for want of memory or processes
  130  interrupted
)";

struct bad_argument : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The values as they were given: numbers are converted here and not by CLI11, whose messages do
/// not say what would be right.
struct command_line {
  using value = std::optional<std::string>;
  std::vector<std::string> scenarios, backends, sources;
  value threads, rate, seconds, seed, mutant, soak, shard, json, junit;
  bool self_test = false;
  bool list = false;
};

std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (const char letter : from) {
    std::size_t diagonal = row[0]++;
    for (std::size_t i = 0; i < to.size(); ++i) {
      const std::size_t replaced = diagonal + (letter == to[i] ? 0 : 1);
      diagonal = row[i + 1];
      row[i + 1] = std::min({replaced, row[i] + 1, diagonal + 1});
    }
  }
  return row.back();
}

/// Empty when nothing is near.
std::string suggestion(std::string_view given, const std::vector<std::string>& names) {
  const auto close = nearest(given, names);
  return close ? fmt::format("; did you mean \"{}\"?", *close) : std::string{};
}

void require_known(std::string_view kind, const std::string& name,
                   const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  if (known.empty())
    throw bad_argument{fmt::format(
        "there is no {} \"{}\": this program was built without any; leave the option out", kind,
        name)};
  const std::string all = fmt::format("{}", fmt::join(known, ", "));
  throw bad_argument{fmt::format("there is no {} \"{}\"{}\n{}", kind, name, suggestion(name, known),
                                 all.size() <= short_list
                                     ? "choose from: " + all
                                     : fmt::format("--list names all {}", known.size()))};
}

std::vector<std::string> names_of(std::string_view kind, const std::vector<std::string>& given,
                                  const std::vector<std::string>& known) {
  std::vector<std::string> names;
  for (const std::string& each : given) {
    for (std::size_t start = 0, end; start <= each.size(); start = end + 1) {
      end = std::min(each.find(',', start), each.size());
      std::string name = each.substr(start, end - start);
      require_known(kind, name, known);
      if (std::find(names.begin(), names.end(), name) == names.end())
        names.push_back(std::move(name));
    }
  }
  return names;
}

/// None when it is anything but a number.
template <class number>
std::optional<number> number_of(std::string_view text) {
  number value{};
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return value;
}

[[noreturn]] void refuse(std::string_view option, std::string_view wanted, std::string_view given) {
  throw bad_argument{fmt::format("{} wants {}, not \"{}\"", option, wanted, given)};
}

unsigned threads_of(const std::string& given) {
  const auto value = number_of<unsigned>(given);
  if (!value || *value == 0 || *value > most_threads)
    refuse("--threads", fmt::format("a whole number from 1 to {}", most_threads), given);
  return *value;
}

std::uint64_t rate_of(const std::string& given) {
  if (given == "max") return 0;
  const auto value = number_of<std::uint64_t>(given);
  if (!value || *value == 0 || *value > most_rate)
    refuse("--rate",
           fmt::format("a whole number from 1 to {}, or max for as fast as it goes", most_rate),
           given);
  return *value;
}

std::uint64_t seed_of(const std::string& given) {
  const auto value = number_of<std::uint64_t>(given);
  if (!value) refuse("--seed", "a whole number from 0 to 18446744073709551615", given);
  return *value;
}

double time_of(std::string_view option, std::string_view unit, const std::string& given,
               double most) {
  const auto value = number_of<double>(given);
  // In this order what is not a number fails too.
  if (!value || !(*value > 0 && *value <= most))
    refuse(option, fmt::format("a number of {} above 0 and up to {}", unit, most), given);
  return *value;
}

void set_shard(options& wanted, const std::string& given) {
  const std::string_view text{given};
  const std::size_t slash = std::min(text.find('/'), text.size());
  const auto part = number_of<unsigned>(text.substr(0, slash));
  const auto parts = number_of<unsigned>(text.substr(std::min(slash + 1, text.size())));
  if (!part || !parts || *part == 0 || *part > *parts)
    refuse("--shard", "i/n with i from 1 to n, such as 2/4", given);
  wanted.shard = *part;
  wanted.shards = *parts;
}

/// Whether the file can be written is asked before the runs, so that none is lost at their end.
std::string file_of(std::string_view option, const std::string& given) {
  namespace fs = std::filesystem;
  std::error_code none;
  if (given.empty()) refuse(option, "the name of a file", given);
  if (fs::is_directory(given, none)) refuse(option, "the name of a file, this is a folder", given);
  const bool there = fs::exists(given, none);
  const fs::path folder = fs::path{given}.parent_path() / ".";
  const bool writable =
      there ? ::access(given.c_str(), W_OK) == 0 : ::access(folder.c_str(), W_OK | X_OK) == 0;
  if (!writable)
    throw bad_argument{
        fmt::format("{} \"{}\" cannot be written: {}: {}; choose another or change that", option,
                    given, there ? "the file" : "its folder", std::strerror(errno))};
  return given;
}

void require_different(const options& wanted) {
  const auto whole = [](const std::string& path) {
    return std::filesystem::absolute(path).lexically_normal();
  };
  if (wanted.json_file.empty() || wanted.junit_file.empty()) return;
  if (whole(wanted.json_file) == whole(wanted.junit_file))
    throw bad_argument{"--json and --junit name the same file; one would overwrite the other"};
}

std::uint64_t drawn_seed() {
  std::random_device random;
  return std::uint64_t{random()} << 32 | random();
}

options options_of(const command_line& given, const choices& known) {
  options wanted;
  wanted.scenarios = names_of("scenario", given.scenarios, known.scenarios);
  wanted.backends = names_of("backend", given.backends, known.backends);
  wanted.sources = names_of("source", given.sources, known.sources);
  if (given.threads) wanted.threads = threads_of(*given.threads);
  if (given.rate) wanted.rate = rate_of(*given.rate);
  if (given.seconds) wanted.seconds = time_of("--seconds", "seconds", *given.seconds, most_seconds);
  wanted.seed = given.seed ? seed_of(*given.seed) : drawn_seed();
  if (given.mutant) {
    require_known("mutant", *given.mutant, known.mutants);
    wanted.mutant = *given.mutant;
  }
  if (given.soak) wanted.soak_hours = time_of("--soak", "hours", *given.soak, most_hours);
  if (given.shard) set_shard(wanted, *given.shard);
  if (given.json) wanted.json_file = file_of("--json", *given.json);
  if (given.junit) wanted.junit_file = file_of("--junit", *given.junit);
  require_different(wanted);
  wanted.list = given.list;
  wanted.self_test = given.self_test;
  if (wanted.self_test && given.mutant)
    throw bad_argument{"--self-test runs every mutant; leave out --mutant, or --self-test for one"};
  if (wanted.self_test && (given.json || given.junit))
    throw bad_argument{
        "--self-test prints what it caught and writes no report; leave out --json and --junit"};
  if (wanted.self_test && given.soak)
    throw bad_argument{"--self-test ends by itself; leave out --soak, or --self-test for a soak"};
  return wanted;
}

void add_choices(CLI::App& app, command_line& given) {
  app.add_option("--scenario", given.scenarios, "only these scenarios")
      ->type_name("NAMES")
      ->allow_extra_args(false);
  app.add_option("--backend", given.backends, "only on these backends")
      ->type_name("NAMES")
      ->allow_extra_args(false);
  app.add_option("--source", given.sources, "only with signals from these sources")
      ->type_name("NAMES")
      ->allow_extra_args(false);
  app.add_option("--shard", given.shard,
                 "only part i of n of the runs; all parts need the same --seed")
      ->type_name("i/n");
  app.add_flag("--list", given.list, "name all scenarios, backends, sources and mutants");
}

void add_settings(CLI::App& app, command_line& given) {
  app.add_option("--threads", given.threads,
                 fmt::format("how many run a scenario, 1 to {}; else its own number", most_threads))
      ->type_name("N");
  app.add_option("--rate", given.rate,
                 "signals per second and sender; else max: as fast as it goes")
      ->type_name("N|max");
  app.add_option("--seconds", given.seconds, "for each run; else as the plan has it")
      ->type_name("S");
  app.add_option("--seed", given.seed, "of the random choices; else a new one, which is printed")
      ->type_name("N");
  app.add_option("--soak", given.soak, "repeat the runs, with new seeds, for so many hours")
      ->type_name("HOURS");
  app.add_option("--mutant", given.mutant, "break the library in this way")->type_name("NAME");
  app.add_flag("--self-test", given.self_test,
               "succeed only if a violation is found in each mutant");
  app.add_option("--json", given.json, "write all results to this file")->type_name("FILE");
  app.add_option("--junit", given.junit, "write the verdicts to this file, for CI")
      ->type_name("FILE");
}

std::vector<std::string> long_options(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* each : app.get_options())
    for (const std::string& name : each->get_lnames()) names.push_back("--" + name);
  return names;
}

/// What CLI11 refuses is an option without a value, or with too many.
std::string reason_of(const CLI::App& app, const CLI::ParseError& error) {
  std::string text = error.what();
  const std::string name = text.substr(0, text.find(':'));
  const CLI::Option* const option = app.get_option_no_throw(name);
  if (option == nullptr) return text;
  return name + (option->count() > 1 ? " was given more than once" : " needs a value");
}

void require_no_rest(const CLI::App& app) {
  const std::vector<std::string> rest = app.remaining();
  if (rest.empty()) return;
  const std::string name = rest.front().substr(0, rest.front().find('='));
  if (!name.starts_with('-'))
    throw bad_argument{fmt::format(
        "\"{}\" follows no option that takes it\n--help describes the options", rest.front())};
  throw bad_argument{fmt::format("there is no option \"{}\"{}\n--help describes the options", name,
                                 suggestion(name, long_options(app)))};
}

}  // namespace

std::optional<std::string> nearest(std::string_view given, const std::vector<std::string>& names) {
  std::optional<std::string> best;
  std::size_t fewest = 0;
  for (const std::string& name : names) {
    const std::size_t changes = distance(given, name);
    if (3 * changes > 2 * std::max(given.size(), name.size())) continue;
    if (best && changes >= fewest) continue;
    best = name;
    fewest = changes;
  }
  return best;
}

std::variant<options, int> parse(int argc, const char* const* argv, const choices& known,
                                 std::FILE* errors, std::FILE* output) {
  CLI::App app{
      "Lets signals come at any time while threads use sigsafe, and counts what goes wrong.",
      "sigsafe-stress"};
  command_line given;
  app.footer(footer);
  app.allow_extras();
  add_choices(app, given);
  add_settings(app, given);
  try {
    app.parse(argc, argv);
    require_no_rest(app);
    return options_of(given, known);
  } catch (const CLI::CallForHelp&) {
    fmt::print(output, "{}", app.help());
    return 0;
  } catch (const CLI::ParseError& error) {
    fmt::print(errors, "sigsafe-stress: {}\n--help describes the options\n", reason_of(app, error));
  } catch (const bad_argument& error) {
    fmt::print(errors, "sigsafe-stress: {}\n", error.what());
  }
  return 2;
}

}  // namespace stress
