#include <tests/stress/report.hpp>

#include <string.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace stress {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t bar_width = 2;
// 2 to the 5th is about 30, so every second label has another unit.
constexpr std::size_t columns_for_label = 5;

/// Not setlocale(), which would change what else the program prints.
bool is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* const value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    return strcasestr(value, "utf-8") != nullptr || strcasestr(value, "utf8") != nullptr;
  }
  return false;
}

bool is_control(char each) { return static_cast<unsigned char>(each) < ' ' || each == '\x7f'; }

/// A violation may quote anything; it must not break a line or steer a terminal.
std::string on_one_line(std::string text) {
  std::replace_if(text.begin(), text.end(), is_control, ' ');
  return text;
}

// ---- the table ---------------------------------------------------------------------------------

struct column {
  const char* title;
  bool is_text;
};

using row = std::vector<std::string>;

/// What a terminal shows: bytes that continue a character take no place.
std::size_t width_of(std::string_view text) {
  const auto starts = [](char each) { return (static_cast<unsigned char>(each) >> 6) != 2; };
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts));
}

std::vector<std::size_t> widths_of(const std::vector<column>& columns,
                                   const std::vector<row>& rows) {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    std::size_t most = width_of(columns[i].title);
    for (const row& each : rows) most = std::max(most, width_of(each[i]));
    widths.push_back(most);
  }
  return widths;
}

void trim_end(std::string& text) { text.erase(text.find_last_not_of(' ') + 1); }

std::string line_of(const std::vector<column>& columns, const std::vector<std::size_t>& widths,
                    const row& cells) {
  std::string line;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string space(widths[i] - width_of(cells[i]), ' ');
    if (i != 0) line += "  ";
    line += columns[i].is_text ? cells[i] + space : space + cells[i];
  }
  trim_end(line);
  return line;
}

/// Columns that only some tables need.
struct extra {
  bool mutants, runs;
};

std::vector<column> columns_with(extra shown) {
  std::vector<column> columns{{"scenario", true}, {"backend", true}, {"source", true}};
  if (shown.mutants) columns.push_back({"mutant", true});
  if (shown.runs) columns.push_back({"runs", false});
  for (const char* title : {"operations", "signals", "deferred", "coalesced", "lost", "torn",
                            "p50 <=", "p99 <=", "max"})
    columns.push_back({title, false});
  columns.push_back({"verdict", true});
  return columns;
}

row row_of(const result& from, extra shown) {
  row cells{from.of.scenario, from.of.backend, from.of.source};
  if (shown.mutants) cells.push_back(from.of.mutant.empty() ? "-" : from.of.mutant);
  if (shown.runs) cells.push_back(count_text(from.runs));
  for (const std::uint64_t number :
       {from.operations, from.delivered, from.deferred, from.coalesced, from.lost, from.torn})
    cells.push_back(count_text(number));
  for (const std::uint64_t delay : {from.delay_bound(0.5), from.delay_bound(0.99), from.most})
    cells.push_back(delay == 0 ? "-" : duration_text(delay));
  cells.push_back(from.ended == verdict::violated ? "VIOLATED" : name_of(from.ended));
  return cells;
}

std::string violation_line(const result& from) {
  std::string where = fmt::format("{} on {} with signals from {}", from.of.scenario,
                                  from.of.backend, from.of.source);
  if (!from.of.mutant.empty()) where += fmt::format(", mutant {}", from.of.mutant);
  return fmt::format("VIOLATION in {}: {}; repeat: {}", where, on_one_line(from.violation),
                     on_one_line(from.repeat));
}

// ---- the delays --------------------------------------------------------------------------------

/// Of one backend and source: how many delays there were for each power of two.
struct delay_row {
  std::string backend, source;
  std::array<std::uint64_t, 64> powers{};
};

std::size_t power_of(std::size_t bucket) {
  const std::uint64_t most = std::max<std::uint64_t>(histogram::upper(bucket) - 1, 1);
  return static_cast<std::size_t>(std::bit_width(most)) - 1;
}

std::vector<delay_row> delay_rows(const std::vector<result>& results) {
  std::vector<delay_row> rows;
  for (const result& each : results) {
    const auto is_zero = [](std::uint64_t number) { return number == 0; };
    if (std::all_of(each.delays.begin(), each.delays.end(), is_zero)) continue;
    auto at = std::find_if(rows.begin(), rows.end(), [&](const delay_row& seen) {
      return seen.backend == each.of.backend && seen.source == each.of.source;
    });
    if (at == rows.end()) at = rows.insert(at, {each.of.backend, each.of.source, {}});
    for (std::size_t i = 0; i < each.delays.size(); ++i) at->powers[power_of(i)] += each.delays[i];
  }
  return rows;
}

/// The powers of two that occur in any row.
struct span {
  std::size_t first = 63, last = 0;
};

span span_of(const std::vector<delay_row>& rows) {
  span all;
  for (const delay_row& each : rows)
    for (std::size_t i = 0; i < each.powers.size(); ++i)
      if (each.powers[i] != 0) all = {std::min(all.first, i), std::max(all.last, i)};
  return all;
}

std::string scale_of(const span& shown) {
  std::string line;
  for (std::size_t i = shown.first; i <= shown.last; i += columns_for_label) {
    const std::string label = fmt::format("|{}", duration_text(std::uint64_t{1} << i));
    line += label + std::string(bar_width * columns_for_label - width_of(label), ' ');
  }
  trim_end(line);
  return line;
}

std::string bars_of(const delay_row& from, const span& shown) {
  static constexpr std::array<const char*, 8> blocks{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr std::array<const char*, 8> letters{".", ":", "-", "=", "+", "*", "#", "@"};
  const auto& levels = is_utf8() ? blocks : letters;
  const auto most = static_cast<double>(*std::max_element(from.powers.begin(), from.powers.end()));
  std::string line;
  for (std::size_t i = shown.first; i <= shown.last; ++i) {
    // Rounded up, so that one signal among millions is seen.
    const double height = std::ceil(static_cast<double>(from.powers[i]) / most * 8);
    const char* const bar = height > 0 ? levels[static_cast<std::size_t>(height) - 1] : " ";
    for (std::size_t j = 0; j < bar_width; ++j) line += bar;
  }
  return line;
}

// ---- JSON and XML ------------------------------------------------------------------------------

/// What is not UTF-8, such as a character that a full buffer cut, replaced.
std::string valid_utf8(const std::string& text) {
  const std::string quoted = json(text).dump(-1, ' ', false, json::error_handler_t::replace);
  return json::parse(quoted).get<std::string>();
}

json settings_of(const options& from) {
  return {
      {"scenarios", from.scenarios}, {"backends", from.backends},   {"sources", from.sources},
      {"threads", from.threads},     {"rate", from.rate},           {"seconds", from.seconds},
      {"mutant", from.mutant},       {"self_test", from.self_test}, {"soak_hours", from.soak_hours},
      {"shard", from.shard},         {"shards", from.shards}};
}

struct counted {
  const char* name;
  std::uint64_t result::* member;
};
constexpr std::array counts{counted{"operations", &result::operations},
                            counted{"sent", &result::sent},
                            counted{"delivered", &result::delivered},
                            counted{"deferred", &result::deferred},
                            counted{"coalesced", &result::coalesced},
                            counted{"lost", &result::lost},
                            counted{"torn", &result::torn},
                            counted{"disorder", &result::disorder}};

std::size_t number_of(const std::vector<result>& results, verdict ended) {
  return static_cast<std::size_t>(std::count_if(
      results.begin(), results.end(), [ended](const result& each) { return each.ended == ended; }));
}

json totals_of(const std::vector<result>& results) {
  const auto sum = [&](auto of) {
    return std::accumulate(
        results.begin(), results.end(), std::uint64_t{0},
        [&](std::uint64_t so_far, const result& each) { return so_far + of(each); });
  };
  json all{{"runs", sum([](const result& each) { return each.runs; })}};
  for (const verdict ended : {verdict::passed, verdict::violated, verdict::interrupted})
    all[name_of(ended)] =
        sum([&](const result& each) { return each.ended == ended ? each.runs : 0U; });
  for (const counted& number : counts)
    all[number.name] = sum([&](const result& each) { return each.*number.member; });
  return all;
}

json object_of(const result& from) {
  json one{{"scenario", from.of.scenario},
           {"backend", from.of.backend},
           {"source", from.of.source},
           {"mutant", from.of.mutant},
           {"threads", from.of.threads},
           {"rate", from.of.rate},
           {"planned_seconds", from.of.seconds},
           {"seed", from.of.seed},
           {"runs", from.runs},
           {"verdict", name_of(from.ended)},
           {"violation", from.violation},
           {"repeat", from.repeat},
           {"seconds", from.seconds}};
  for (const counted& each : counts) one[each.name] = from.*each.member;
  one["p50_ns"] = from.delay_bound(0.5);
  one["p99_ns"] = from.delay_bound(0.99);
  one["max_ns"] = from.most;
  json pairs = json::array();
  for (std::size_t i = 0; i < from.delays.size(); ++i)
    if (from.delays[i] != 0) pairs.push_back(json::array({histogram::upper(i), from.delays[i]}));
  one["delays"] = std::move(pairs);
  return one;
}

/// Lines and tabs are kept; XML does not allow the other control characters in any form.
std::string xml_of(const std::string& text) {
  std::string escaped;
  for (const char each : valid_utf8(text)) {
    switch (each) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      case '\'': escaped += "&apos;"; break;
      case '\n': escaped += "&#10;"; break;
      case '\t': escaped += "&#9;"; break;
      default:
        if (!is_control(each)) escaped += each;
    }
  }
  return escaped;
}

std::string test_case_of(const result& from) {
  std::string name = from.of.source;
  if (!from.of.mutant.empty()) name += fmt::format(" (mutant {})", from.of.mutant);
  const std::string start =
      fmt::format(R"(    <testcase classname="{}" name="{}" time="{:.3f}")",
                  xml_of(from.of.scenario + "." + from.of.backend), xml_of(name), from.seconds);
  switch (from.ended) {
    case verdict::passed: return start + "/>\n";
    case verdict::interrupted: return start + "><skipped/></testcase>\n";
    case verdict::violated: break;
  }
  return fmt::format("{}>\n      <failure message=\"{}\">repeat: {}</failure>\n    </testcase>\n",
                     start, xml_of(from.violation), xml_of(from.repeat));
}

}  // namespace

const char* name_of(verdict ended) {
  switch (ended) {
    case verdict::passed: return "passed";
    case verdict::violated: return "violated";
    case verdict::interrupted: break;
  }
  return "interrupted";
}

void print_table(std::FILE* to, const std::vector<result>& results) {
  const auto any = [&](auto is) { return std::any_of(results.begin(), results.end(), is); };
  const extra shown{any([](const result& each) { return !each.of.mutant.empty(); }),
                    any([](const result& each) { return each.runs > 1; })};
  const std::vector<column> columns = columns_with(shown);
  std::vector<row> rows(1);
  for (const column& each : columns) rows[0].emplace_back(each.title);
  for (const result& each : results) rows.push_back(row_of(each, shown));
  const std::vector<std::size_t> widths = widths_of(columns, rows);
  for (const row& each : rows) fmt::print(to, "{}\n", line_of(columns, widths, each));
  for (const result& each : results)
    if (each.ended == verdict::violated) fmt::print(to, "{}\n", violation_line(each));
}

void print_delays(std::FILE* to, const std::vector<result>& results) {
  const std::vector<delay_row> rows = delay_rows(results);
  if (rows.empty()) return;
  const span shown = span_of(rows);
  const std::vector<column> columns{
      {"backend", true}, {"source", true}, {"signals", false}, {"delay", true}};
  std::vector<row> lines{{"backend", "source", "signals", "delay"}};
  for (const delay_row& each : rows) {
    const auto all = std::accumulate(each.powers.begin(), each.powers.end(), std::uint64_t{0});
    lines.push_back({each.backend, each.source, count_text(all), bars_of(each, shown)});
  }
  lines.push_back({"", "", "", scale_of(shown)});
  const std::vector<std::size_t> widths = widths_of(columns, lines);
  fmt::print(to, "Delays from sending to the handler, {} characters for each power of two:\n",
             bar_width);
  for (const row& each : lines) fmt::print(to, "{}\n", line_of(columns, widths, each));
}

std::string json_of(const std::vector<result>& results, const options& started_with, verdict ended,
                    double seconds) {
  json all{{"version", 1},
           {"seed", started_with.seed},
           {"verdict", name_of(ended)},
           {"seconds", seconds},
           {"settings", settings_of(started_with)},
           {"totals", totals_of(results)},
           {"results", json::array()}};
  for (const result& each : results) all["results"].push_back(object_of(each));
  return all.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string junit_of(const std::vector<result>& results, double seconds) {
  const std::string numbers = fmt::format(
      R"(name="sigsafe-stress" tests="{}" failures="{}" errors="0" skipped="{}" time="{:.3f}")",
      results.size(), number_of(results, verdict::violated),
      number_of(results, verdict::interrupted), seconds);
  std::string text = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {0}>\n  <testsuite {0}>\n", numbers);
  for (const result& each : results) text += test_case_of(each);
  return text + "  </testsuite>\n</testsuites>\n";
}

void write_file(const std::string& path, const std::string& text) {
  int error = 0;
  if (std::FILE* const file = std::fopen(path.c_str(), "wb"); file == nullptr) {
    error = errno;
  } else {
    if (std::fwrite(text.data(), 1, text.size(), file) != text.size()) error = errno;
    // Only here is known that the last of it has arrived.
    if (std::fclose(file) != 0 && error == 0) error = errno;
  }
  if (error != 0)
    throw std::system_error{error, std::generic_category(), fmt::format("cannot write {}", path)};
}

std::string duration_text(std::uint64_t nanoseconds) {
  if (nanoseconds < 1000) return fmt::format("{} ns", nanoseconds);
  const std::array units{is_utf8() ? "µs" : "us", "ms", "s"};
  double value = static_cast<double>(nanoseconds) / 1000;
  std::size_t unit = 0;
  // From here on it would be rounded to 1000.
  for (; value >= 999.5 && unit + 1 < units.size(); ++unit) value /= 1000;
  return value < 9.95 ? fmt::format("{:.1f} {}", value, units[unit])
                      : fmt::format("{:.0f} {}", value, units[unit]);
}

std::string count_text(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, 1, ',');
  return text;
}

}  // namespace stress
