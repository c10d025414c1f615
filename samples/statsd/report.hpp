// What the daemon writes: the interval as lines of Graphite's plain-text protocol,
// `path value timestamp`, under the names that the original statsd uses.
//
// All of it runs in handlers: sigsafe's writer keeps its buffer on the stack, and formats without
// allocating or looking at the locale.
#pragma once

#include <time.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>

#include <sigsafe/writer.hpp>

#include "config.hpp"
#include "metrics.hpp"

namespace statsd {

/// The text for a descriptor: what does not fit any more is written, in whole lines.
using writer = sigsafe::writer<4096>;

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
    out_.print("{}.{}.{}{} {} {}\n", settings_.prefix.view(), type, name, part, value, now_);
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
    out_.print("{}.timers.{}{}{} {} {}\n", settings_.prefix.view(), name, part, percentile, value,
               now_);
  }

  writer& out_;
  const config& settings_;
  double seconds_;
  time_t now_;
};

}  // namespace statsd
