// The statsd protocol: lines of the form  name:value|type  or  name:value|type|@rate.
//
//   requests:1|c         a counter goes up
//   requests:1|c|@0.1    the same, from a client that sends one of ten: it goes up by 10
//   level:20|g           a gauge is set
//   level:-3|g           a sign changes it instead; negative values are reached by way of 0
//   answer:320|ms        a duration; h (a histogram) means the same
//   users:ann|s          a member of a set, of which the different ones are counted
//
// A packet is one line or several with '\n' between them. Nothing here allocates or keeps anything:
// one line in, one update out, or nothing when the line is malformed.
#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

namespace statsd {

/// FNV-1a: short, and good enough for names and members that nobody chooses with malice.
constexpr std::uint64_t hash_of(std::string_view text) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

/// The name of a metric, cleaned as the original does it: whitespace becomes '_', '/' becomes '-',
/// and what else is neither a letter or digit nor one of "_-." is left out.
class metric_name {
 public:
  static constexpr std::size_t capacity = 63;

  constexpr metric_name() noexcept = default;

  /// Nothing when the name is empty or too long.
  static constexpr std::optional<metric_name> from(std::string_view raw) noexcept {
    metric_name name;
    bool after_space = false;
    for (const char c : raw) {
      const bool space = c == ' ' || (c >= '\t' && c <= '\r');
      const char clean = space ? '_' : c == '/' ? '-' : c;
      const bool dropped = space ? after_space : !is_allowed(clean);
      after_space = space;
      if (dropped) continue;
      if (name.size_ == capacity) return std::nullopt;
      name.text_[name.size_++] = clean;
    }
    if (name.size_ == 0) return std::nullopt;
    name.hash_ = hash_of(name.view());
    return name;
  }

  [[nodiscard]] constexpr std::string_view view() const noexcept { return {text_.data(), size_}; }
  [[nodiscard]] constexpr std::uint64_t hash() const noexcept { return hash_; }

 private:
  static constexpr bool is_allowed(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  }

  std::array<char, capacity> text_{};
  std::uint8_t size_ = 0;
  std::uint64_t hash_ = 0;
};

/// What one line asks for.
struct update {
  enum class kind : std::uint8_t { counter, gauge, gauge_change, timing, set };

  metric_name name;
  kind what = kind::counter;
  double value = 0;          ///< of all but sets
  double weight = 1;         ///< how many events the line stands for: 1 / rate
  std::uint64_t member = 0;  ///< of sets: the member's hash
};

/// A finite decimal number; "+5" is one, "", "5x", "inf" and "nan" are none.
inline std::optional<double> parse_number(std::string_view text) noexcept {
  if (text.starts_with('+')) {  // from_chars does not take it
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || !std::isfinite(number)) return std::nullopt;
  return number;
}

/// The part before the first separator; text goes on behind it, or becomes empty without one.
constexpr std::string_view take_until(std::string_view& text, char separator) noexcept {
  const std::size_t at = text.find(separator);
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return taken;
}

/// The update that a line asks for; nothing when it is malformed.
inline std::optional<update> parse_line(std::string_view line) noexcept {
  if (line.find(':') == std::string_view::npos) return std::nullopt;
  const auto name = metric_name::from(take_until(line, ':'));
  const bool has_type = line.find('|') != std::string_view::npos;
  const std::string_view value = take_until(line, '|');
  const bool has_rate = line.find('|') != std::string_view::npos;
  const std::string_view type = take_until(line, '|');
  if (!name || !has_type || value.empty()) return std::nullopt;

  update result;
  result.name = *name;
  if (has_rate) {
    if (!line.starts_with('@')) return std::nullopt;
    const auto rate = parse_number(line.substr(1));
    if (!rate || *rate <= 0 || *rate > 1) return std::nullopt;
    result.weight = 1 / *rate;
  }

  if (type == "s") {
    result.what = update::kind::set;
    result.member = hash_of(value);
    return result;
  }
  const auto number = parse_number(value);
  if (!number || !std::isfinite(*number * result.weight)) return std::nullopt;
  result.value = *number;
  if (type == "c")
    result.what = update::kind::counter;
  else if (type == "ms" || type == "h")
    result.what = update::kind::timing;
  else if (type == "g")
    result.what = value.front() == '+' || value.front() == '-' ? update::kind::gauge_change
                                                               : update::kind::gauge;
  else
    return std::nullopt;
  return result;
}

/// Calls function with every line of a packet; empty ones, such as behind a last '\n', are none.
template <class F>
constexpr void for_each_line(std::string_view packet, F&& function) {
  while (!packet.empty()) {
    std::string_view line = take_until(packet, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) function(line);
  }
}

/// Of a packet that did not fit into its buffer: the lines before the one that was cut.
constexpr std::string_view whole_lines(std::string_view cut_packet) noexcept {
  const std::size_t last = cut_packet.rfind('\n');
  return cut_packet.substr(0, last == std::string_view::npos ? 0 : last);
}

}  // namespace statsd
