// What the daemon writes: the interval as lines of Graphite's plain-text protocol,
// `path value timestamp`, under the names that the original statsd uses.
//
// All of it runs in handlers: a buffer on the stack, std::to_chars, which by its specification
// neither allocates nor looks at the locale, and write(2).
#pragma once

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "config.hpp"
#include "metrics.hpp"

namespace statsd {

/// Formats into a buffer of its own and writes it to a file descriptor whenever it is full.
class writer {
 public:
  explicit writer(int fd) noexcept : fd_(fd) {}
  writer(const writer&) = delete;
  writer& operator=(const writer&) = delete;

  writer& operator<<(std::string_view text) noexcept {
    while (!text.empty()) {
      if (size_ == buffer_.size()) flush();
      const std::size_t part = std::min(text.size(), buffer_.size() - size_);
      std::memcpy(buffer_.data() + size_, text.data(), part);
      size_ += part;
      text.remove_prefix(part);
    }
    return *this;
  }
  writer& operator<<(std::integral auto number) noexcept { return put(number); }
  // Fixed, because a reader of a count of 1000000 does not expect 1e+06.
  writer& operator<<(double number) noexcept { return put(number, std::chars_format::fixed); }

  /// Writes what is left. False when anything could not be written.
  [[nodiscard]] bool finish() noexcept {
    flush();
    return ok_;
  }

 private:
  template <class... Format>
  writer& put(auto number, Format... format) noexcept {
    std::array<char, 400> digits;  // the longest double has 309 digits before its point
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, format...);
    const auto size = static_cast<std::size_t>(end.ptr - digits.data());
    return *this << std::string_view{digits.data(), size};
  }

  void flush() noexcept {
    std::size_t done = 0;
    while (ok_ && done < size_) {
      const ssize_t written = write(fd_, buffer_.data() + done, size_ - done);
      if (written >= 0)
        done += static_cast<std::size_t>(written);
      else
        ok_ = errno == EINTR;
    }
    size_ = 0;
  }

  int fd_;
  bool ok_ = true;
  std::size_t size_ = 0;
  std::array<char, 4096> buffer_;
};

/// Writes metrics that are not changed meanwhile.
class interval_report {
 public:
  /// seconds: how long the interval was, for the rates.
  interval_report(writer& out, const config& settings, double seconds) noexcept
      : out_(out), settings_(settings), seconds_(seconds), now_(::time(nullptr)) {}

  void write(const metrics& all) noexcept {
    write_counter("statsd.packets_received", static_cast<double>(all.packets));
    write_counter("statsd.metrics_received", static_cast<double>(all.updates));
    write_counter("statsd.bad_lines_seen", static_cast<double>(all.bad_lines));
    write_counter("statsd.metrics_without_room", static_cast<double>(all.without_metric));
    write_counter("statsd.members_without_room", static_cast<double>(all.without_member));
    for (const auto& [name, value] : all.counters.entries())
      if (value.updates != 0) write_counter(name.view(), value.sum);
    for (const auto& [name, value] : all.gauges.entries())
      write_line("gauges", name.view(), "", value.value);
    for (const auto& [name, value] : all.timers.entries())
      if (value.updates != 0) write_timer(name.view(), value);
    for (const auto& [name, value] : all.sets.entries())
      if (value.updates != 0)
        write_line("sets", name.view(), ".count", static_cast<double>(value.size));
  }

 private:
  void write_line(std::string_view type, std::string_view name, std::string_view part,
                  double value) noexcept {
    out_ << settings_.prefix.view() << "." << type << "." << name << part << " " << value << " "
         << now_ << "\n";
  }

  void write_counter(std::string_view name, double count) noexcept {
    write_line("counters", name, ".rate", count / seconds_);
    write_line("counters", name, ".count", count);
  }

  void write_timer(std::string_view name, const timer& t) noexcept {
    const double count = static_cast<double>(t.updates);
    const double mean = t.sum / count;
    const double variance = std::max(0.0, t.sum_squares / count - mean * mean);
    write_line("timers", name, ".count", t.weight);
    write_line("timers", name, ".count_ps", t.weight / seconds_);
    write_line("timers", name, ".lower", t.lower);
    write_line("timers", name, ".upper", t.upper);
    write_line("timers", name, ".sum", t.sum);
    write_line("timers", name, ".sum_squares", t.sum_squares);
    write_line("timers", name, ".mean", mean);
    write_line("timers", name, ".std", std::sqrt(variance));
    if (t.size != 0) write_percentiles(name, t);
  }

  void write_percentiles(std::string_view name, const timer& t) noexcept {
    std::array<double, timer::capacity> sorted;
    const std::span values{sorted.data(), t.size};
    std::copy_n(t.values.begin(), t.size, values.begin());
    std::sort(values.begin(), values.end());  // in place, without memory of its own
    write_line("timers", name, ".median", (values[(t.size - 1) / 2] + values[t.size / 2]) / 2);

    std::size_t added = 0;
    double sum = 0;
    for (const int percentile :
         std::span{settings_.percentiles}.first(settings_.percentile_count)) {
      const auto inside = static_cast<std::size_t>(
          std::lround(static_cast<double>(percentile) / 100 * static_cast<double>(t.size)));
      if (inside == 0) continue;
      for (; added < inside; ++added) sum += values[added];
      write_percentile(name, ".count_", percentile, static_cast<double>(inside));
      write_percentile(name, ".mean_", percentile, sum / static_cast<double>(inside));
      write_percentile(name, ".upper_", percentile, values[inside - 1]);
      write_percentile(name, ".sum_", percentile, sum);
    }
  }

  void write_percentile(std::string_view name, std::string_view part, int percentile,
                        double value) noexcept {
    out_ << settings_.prefix.view() << ".timers." << name << part << percentile << " " << value
         << " " << now_ << "\n";
  }

  writer& out_;
  const config& settings_;
  double seconds_;
  time_t now_;
};

}  // namespace statsd
