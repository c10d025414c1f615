// The configuration file: a section for each service, and lines `key = value` in it.
#pragma once

#include <errno.h>
#include <signal.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <fstream>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "settings.hpp"
#include "signals.hpp"

namespace supervisor {

/// What is wrong, with the line: the text is for people.
struct config_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

namespace detail {

inline std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// "250ms", "5s", "2m".
inline std::chrono::milliseconds parse_time(std::string_view text) {
  int number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  const std::string_view unit{stop, static_cast<std::size_t>(end - stop)};
  const int factor = unit == "ms" ? 1 : unit == "s" ? 1'000 : unit == "m" ? 60'000 : 0;
  if (error != std::errc{} || factor == 0 || number < 1 ||
      number > std::numeric_limits<int>::max() / factor)
    throw config_error("wants a time, such as 250ms, 5s or 2m");
  return std::chrono::milliseconds{number * factor};
}

/// Words with blanks between them; "…" makes one word of several.
inline std::vector<std::string> parse_words(std::string_view text) {
  std::vector<std::string> words;
  bool in_word = false;
  bool quoted = false;
  for (const char c : text) {
    const bool ends = !quoted && (c == ' ' || c == '\t');
    if (!ends && !in_word) words.emplace_back();
    in_word = !ends;
    if (c == '"')
      quoted = !quoted;
    else if (in_word)
      words.back() += c;
  }
  if (quoted) throw config_error("has a \" without its other one");
  if (words.empty() || words.front().empty()) throw config_error("wants a program");
  return words;
}

inline supervisor::at_end parse_at_end(std::string_view text) {
  if (text == "restart") return at_end::restart;
  if (text == "restart_if_failed") return at_end::restart_if_failed;
  if (text == "leave") return at_end::leave;
  if (text == "stop_all") return at_end::stop_all;
  throw config_error("wants restart, restart_if_failed, leave or stop_all");
}

inline int parse_signal(std::string_view text) {
  const int number = signal_number(text.starts_with("SIG") ? text.substr(3) : text);
  if (number == 0) throw config_error("wants a signal, such as TERM");
  return number;
}

inline void set(settings& service, std::string_view key, std::string_view value) {
  if (key == "run")
    service.run = parse_words(value);
  else if (key == "at_end")
    service.at_end = parse_at_end(value);
  else if (key == "back_off")
    service.back_off = parse_time(value);
  else if (key == "back_off_limit")
    service.back_off_limit = parse_time(value);
  else if (key == "directory")
    service.directory = value;
  else if (key == "stop_signal")
    service.stop_signal = parse_signal(value);
  else if (key == "stop_within")
    service.stop_within = parse_time(value);
  else
    throw config_error(
        "is unknown; there are run, at_end, back_off, back_off_limit, directory, stop_signal and "
        "stop_within");
}

inline void begin_section(std::vector<settings>& services, std::string_view name) {
  constexpr std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  if (name.empty() || name.find_first_not_of(allowed) != std::string_view::npos)
    throw config_error("the name of a service wants letters, digits or characters of \"_-.\"");
  for (const settings& other : services)
    if (other.name == name) throw config_error("there are two services of this name");
  services.push_back({.name = std::string{name}, .run = {}, .directory = {}});
}

inline void parse_line(std::vector<settings>& services, std::string_view line) {
  if (line.empty() || line.front() == '#') return;
  if (line.front() == '[' && line.back() == ']')
    return begin_section(services, trimmed(line.substr(1, line.size() - 2)));
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos)
    throw config_error("this is neither \"[service]\" nor \"key = value\" nor a comment");
  if (services.empty()) throw config_error("a \"[service]\" must stand before the first key");
  const std::string_view key = trimmed(line.substr(0, equals));
  try {
    set(services.back(), key, trimmed(line.substr(equals + 1)));
  } catch (const config_error& error) {
    throw config_error(std::string{key} + " " + error.what());
  }
}

}  // namespace detail

/// Errors:   config_error, "NAME:LINE: what is wrong"
inline std::vector<settings> parse_config(std::istream& text, const std::string& name) {
  std::vector<settings> services;
  std::vector<int> lines;  // where each begins
  const auto fail = [&](int line, const char* what) {
    throw config_error(name + ":" + std::to_string(line) + ": " + what);
  };
  int number = 1;
  for (std::string line; std::getline(text, line); ++number) {
    try {
      detail::parse_line(services, detail::trimmed(line));
    } catch (const config_error& error) {
      fail(number, error.what());
    }
    if (services.size() > lines.size()) lines.push_back(number);
  }
  for (std::size_t i = 0; i < services.size(); ++i)
    if (services[i].run.empty()) fail(lines[i], "this service has no \"run = PROGRAM\"");
  return services;
}

/// The same, of a file.
inline std::vector<settings> read_config(const std::string& path) {
  std::ifstream file{path};
  std::stringstream text;
  errno = 0;
  if (!file || !(text << file.rdbuf()))
    throw config_error(path + ": cannot be read, or is empty; name a file with services in it");
  return parse_config(text, path);
}

}  // namespace supervisor
