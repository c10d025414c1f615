// The configuration file: lines `key = value`, comments behind '#'.
//
// It is read in the handler of SIGHUP, so everything here is async-signal-safe: open, read and
// close are on POSIX's list, and the parsing uses nothing but its arguments.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <span>
#include <string_view>

namespace statsd {

/// A text of at most Capacity characters, in place; always followed by a null character.
template <std::size_t Capacity>
class short_text {
 public:
  constexpr short_text() noexcept = default;
  constexpr explicit short_text(std::string_view text) noexcept { assign(text); }

  /// False, and nothing changes, when it is too long.
  constexpr bool assign(std::string_view text) noexcept {
    if (text.size() > Capacity) return false;
    text_ = {};
    std::copy(text.begin(), text.end(), text_.begin());
    size_ = text.size();
    return true;
  }
  [[nodiscard]] constexpr std::string_view view() const noexcept { return {text_.data(), size_}; }
  [[nodiscard]] constexpr const char* c_str() const noexcept { return text_.data(); }
  [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }

 private:
  std::array<char, Capacity + 1> text_{};
  std::size_t size_ = 0;
};

/// Zeros, so that static objects that contain one take no room in the program's file.
struct config {
  static constexpr std::size_t max_percentiles = 8;

  std::chrono::milliseconds flush_interval{};
  short_text<31> prefix{};
  short_text<255> after_snapshot{};
  std::array<int, max_percentiles> percentiles{};  // ascending
  std::size_t percentile_count = 0;

  static constexpr config defaults() noexcept {
    return {std::chrono::seconds{10}, short_text<31>{"stats"}, {}, {90}, 1};
  }
};

/// A configuration, or what is wrong in which line.
struct parsed_config {
  config settings{};
  int line = 0;
  const char* error = nullptr;
};

namespace detail {

constexpr std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view blanks = " \t\r";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

inline bool parse_int(std::string_view text, int& number) noexcept {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && stop == end;
}

inline bool parse_percentiles(std::string_view text, config& settings) noexcept {
  constexpr std::string_view separators = " \t,";
  settings.percentile_count = 0;
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(separators), text.size()));
    if (text.empty()) break;
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    int number = 0;
    if (settings.percentile_count == config::max_percentiles ||
        !parse_int(text.substr(0, end), number) || number < 1 || number > 99)
      return false;
    settings.percentiles[settings.percentile_count++] = number;
    text.remove_prefix(end);
  }
  std::sort(settings.percentiles.begin(), settings.percentiles.begin() + settings.percentile_count);
  return true;
}

/// Null, or what is wrong with the value.
inline const char* apply_setting(std::string_view key, std::string_view value,
                                 config& settings) noexcept {
  constexpr std::string_view name_characters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  if (key == "flush_interval") {
    int number = 0;
    if (!parse_int(value, number) || number < 1 || number > 3'600'000)
      return "flush_interval wants milliseconds, 1 to 3600000";
    settings.flush_interval = std::chrono::milliseconds{number};
  } else if (key == "percentiles") {
    if (!parse_percentiles(value, settings))
      return "percentiles wants at most 8 numbers from 1 to 99, with blanks or commas between them";
  } else if (key == "prefix") {
    if (value.empty() || value.find_first_not_of(name_characters) != std::string_view::npos ||
        !settings.prefix.assign(value))
      return "prefix wants 1 to 31 letters, digits or characters of \"_-.\"";
  } else if (key == "after_snapshot") {
    if ((!value.empty() && value.front() != '/') || !settings.after_snapshot.assign(value))
      return "after_snapshot wants nothing or the absolute path of a program, up to 255 characters";
  } else {
    return "unknown key; there are flush_interval, percentiles, prefix and after_snapshot";
  }
  return nullptr;
}

}  // namespace detail

/// Keys that the text does not name have their defaults.
inline parsed_config parse_config(std::string_view text) noexcept {
  parsed_config result{config::defaults()};
  while (!text.empty() && result.error == nullptr) {
    ++result.line;
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view setting = detail::trimmed(line.substr(0, line.find('#')));
    if (setting.empty()) continue;
    const std::size_t equals = setting.find('=');
    result.error =
        equals == std::string_view::npos
            ? "this is neither \"key = value\" nor a comment"
            : detail::apply_setting(detail::trimmed(setting.substr(0, equals)),
                                    detail::trimmed(setting.substr(equals + 1)), result.settings);
  }
  return result;
}

/// Reads and parses a file.
inline parsed_config read_config(const char* path) noexcept {
  std::array<char, 4096> text;
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return {{}, 0, "cannot be opened; name a file that this user may read"};
  std::size_t size = 0;
  ssize_t got = 0;
  do {
    got = read(file, text.data() + size, text.size() - size);
    if (got > 0) size += static_cast<std::size_t>(got);
  } while (size < text.size() && (got > 0 || (got < 0 && errno == EINTR)));
  close(file);
  if (got < 0) return {{}, 0, "cannot be read; name a regular file"};
  if (size == text.size()) return {{}, 0, "is longer than 4095 characters"};
  return parse_config({text.data(), size});
}

}  // namespace statsd
