#include <sigsafe/shield/launcher/options.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <sigsafe/detail/signal_name.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/version.h>

namespace shield {
namespace {

constexpr const char* promise =
    R"(Starts a program whose signal handlers do not run inside the allocator.

In a dynamically linked glibc program, handlers that were installed through libc do not start while
their thread is inside the allocator, fork, the time-zone or environment functions (or syslog, for
up to one second). They run right afterwards with their own siginfo, mask and stack. It does not
make the program's own data, its own locks, other libraries' state or exit() reentrant; crash
handlers still run anywhere; it does not fix the bug, it closes the window.)";

constexpr const char* footer =
    R"(Examples:
  sigsafe-shield -- ./daemon --foreground
  sigsafe-shield --report=handlers.json -- ./daemon
      at the end, which handlers had to wait, how often, and what their thread was in
  sigsafe-shield --check 1234
      whether the process 1234 is shielded, and what was counted so far

Exit status: that of the program, or
  125  sigsafe-shield itself could not do what it was asked for; nothing was started
  126  the program cannot be executed
  127  there is no such program)";

std::string version_line() {
  return fmt::format("sigsafe-shield {}.{}.{}", SIGSAFE_VERSION_MAJOR, SIGSAFE_VERSION_MINOR,
                     SIGSAFE_VERSION_PATCH);
}

char to_standard_error[] = "--report=-";

/// The values as they were given: numbers are converted here and not by CLI11, whose messages do
/// not say what would be right.
struct command_line {
  std::optional<std::string> tier, exempt, report, count, check, show;
  bool stdio = false, requires_shield = false, json = false;
  std::vector<std::string> program;
};

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

int tier_of(const command_line& given) {
  if (!given.tier) return given.stdio ? 4 : 3;
  const std::optional<int> tier = number(*given.tier);
  if (!tier || *tier < 1 || *tier > 4)
    throw bad_arguments(fmt::format(
        "--tier {}: tiers are 1 (allocator, fork), 2 (and time zone, environment), 3 (and syslog; "
        "without the option) and 4 (and stdio, the same as --stdio)",
        *given.tier));
  if (given.stdio && *tier < 4)
    throw bad_arguments(
        fmt::format("--stdio is tier 4, and --tier {} leaves it out; give one of them", *tier));
  return *tier;
}

void require_signal(std::string_view name) {
  for (const int signal : sigsafe::signal_set::all())
    if (const std::string_view known = sigsafe::detail::signal_name(signal);
        known == name || (known.size() > 3 && known.substr(3) == name))
      return;
  throw bad_arguments(fmt::format(
      "--exempt: there is no signal \"{}\"; names are written as kill -l prints them, such as "
      "PROF or RTMIN+3, with commas between them",
      name));
}

std::string exempt_of(const std::string& given) {
  std::string result;
  for (std::size_t begin = 0; begin < given.size();) {
    const std::size_t comma = std::min(given.find(',', begin), given.size());
    std::string_view name = std::string_view{given}.substr(begin, comma - begin);
    require_signal(name);
    if (name.starts_with("SIG")) name.remove_prefix(3);
    if (!result.empty()) result += ',';
    result += name;
    begin = comma + 1;
  }
  return result;
}

int pid_of(const std::string& given) {
  const std::optional<int> pid = number(given);
  if (!pid || *pid < 1)
    throw bad_arguments(
        fmt::format("--check {}: that is no number of a process; give one that ps shows", given));
  return *pid;
}

void require_alone(const command_line& given, const char* option) {
  const int tasks = given.check.has_value() + given.show.has_value() + !given.program.empty();
  if (tasks > 1)
    throw bad_arguments(fmt::format("{} looks at what is there, and starts no program", option));
}

/// What stands before "--", and behind it.
std::pair<std::vector<char*>, std::vector<char*>> split(int count, char** arguments) {
  char** const end = arguments + count;
  char** const middle =
      std::find_if(arguments, end, [](std::string_view word) { return word == "--"; });
  return {{arguments, middle}, {middle == end ? end : middle + 1, end}};
}

options understand(const command_line& given) {
  options result;
  result.tier = tier_of(given);
  if (given.exempt) result.exempt = exempt_of(*given.exempt);
  result.reports = given.report.has_value();
  if (given.report && *given.report != "-") result.report_file = *given.report;
  result.count_file = given.count.value_or("");
  result.requires_shield = given.requires_shield;
  result.json = given.json;
  result.program = given.program;
  if (given.count && given.count->empty())
    throw bad_arguments("--count needs the name of a file: --count=FILE");
  if (given.count && given.report)
    throw bad_arguments(
        "--report waits for the end of the program, and --count does not; give one of them");
  if (given.check) {
    require_alone(given, "--check");
    result.wanted = options::task::check;
    result.pid = pid_of(*given.check);
  } else if (given.show) {
    require_alone(given, "--show");
    result.wanted = options::task::show;
    result.shown_file = *given.show;
  } else if (given.program.empty()) {
    throw bad_arguments("there is no program to start; write: sigsafe-shield -- PROGRAM ARGUMENTS");
  }
  return result;
}

}  // namespace

std::optional<options> parse(int count, char** arguments) {
  command_line given;
  CLI::App app{promise, "sigsafe-shield"};
  app.get_formatter()->label("OPTIONS", "OPTIONS] -- PROGRAM [ARGUMENTS");
  app.footer(footer);
  app.prefix_command();  // what stands behind the program's name is the program's
  app.set_version_flag("--version", version_line());
  app.add_flag("--stdio", given.stdio,
               "also stdio's output and the functions for users and\nhost names: tier 4");
  app.add_option(
         "--tier", given.tier,
         "1: allocator and fork; 2: also time zone and\nenvironment; 3: also syslog; 4: also "
         "stdio. Default: 3")
      ->type_name("N");
  app.add_option("--exempt", given.exempt,
                 "signals whose handlers run as without the shield.\nDefault: PROF")
      ->type_name("NAMES");
  app.add_option("--report", given.report,
                 "wait for the end of the program, and print then which\nhandlers had to wait; to "
                 "FILE, as JSON if its name ends\nin .json")
      ->type_name("[=FILE]");
  app.add_option("--count", given.count, "count into FILE, which --show prints at any time")
      ->type_name("FILE");
  app.add_flag("--require", given.requires_shield,
               "do not start a program that cannot be shielded;\notherwise it starts, behind a "
               "warning");
  app.add_option("--check", given.check, "tell whether a running process is shielded")
      ->type_name("PID");
  app.add_option("--show", given.show, "print what was counted into FILE")->type_name("FILE");
  app.add_flag("--json", given.json, "what --check and --show print is JSON");
  auto [own, program] = split(count, arguments);
  // Of two words the second is the program.
  for (char*& word : own)
    if (word == std::string_view{"--report"}) word = to_standard_error;
  try {
    app.parse(static_cast<int>(own.size()), own.data());
  } catch (const CLI::Success& asked) {
    app.exit(asked);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    throw bad_arguments(std::string{error.what()} + "; sigsafe-shield --help lists the options");
  }
  given.program = app.remaining();
  if (!given.program.empty() && given.program.front().starts_with('-'))
    throw bad_arguments(
        fmt::format("there is no option {}; sigsafe-shield --help lists the options, and what "
                    "follows \"--\" is "
                    "the program's",
                    given.program.front()));
  given.program.insert(given.program.end(), program.begin(), program.end());
  return understand(given);
}

}  // namespace shield
