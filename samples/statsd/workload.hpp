// What the load generator sends, and what the daemon's reports have to add up to.
//
// All packets of one sender say the same, but for the members of a set, which are never repeated.
// So what has to be reported follows from how many packets of each sender arrived, also when the
// kernel dropped some. All values are chosen so that floating point adds them up exactly, in any
// order.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace statsd {

/// What one path of the reports, such as "counters.load.c0.count", has to come to.
struct expectation {
  enum class how { sum, last, least, greatest };  // of what all reports say

  how combined = how::sum;
  double unit = 0;                 ///< what one update adds; 0: tells nothing about single updates
  std::vector<double> per_packet;  ///< for each sender: how many units, or how much, a packet adds
  double constant = 0;             ///< for what no packet adds to
};

/// The packets of one sender.
class packet_source {
 public:
  packet_source(std::string text, std::uint64_t sender)
      : text_(std::move(text)), at_(text_.find(placeholder)), next_(sender * 1'000'000'000) {}

  /// The next packet, in a string that is used again and again.
  void write_next(std::string& packet) {
    packet = text_;
    std::uint64_t number = next_++;
    for (std::size_t i = placeholder.size(); i-- > 0; number /= 10)
      packet[at_ + i] = static_cast<char>('0' + number % 10);
  }

  static constexpr std::string_view placeholder = "############";

 private:
  std::string text_;
  std::size_t at_;
  std::uint64_t next_;
};

class workload {
 public:
  /// The same seed makes the same load.
  workload(std::size_t senders, std::uint64_t seed) : random_(seed) {
    for (std::size_t sender = 0; sender < senders; ++sender) make_packet(sender, senders);
  }

  [[nodiscard]] packet_source source(std::size_t sender) const {
    return {packets_[sender], sender + 1};
  }
  [[nodiscard]] const std::map<std::string, expectation>& expected() const { return expected_; }

  static constexpr std::size_t updates_per_packet = 56;
  static constexpr std::size_t bad_lines_per_packet = 4;

 private:
  using how = expectation::how;

  struct counter_line {
    const char* text;
    double unit;
  };
  static constexpr std::array<counter_line, 8> counters{{{":1|c", 1},
                                                         {":3|c", 3},
                                                         {":+2|c", 2},
                                                         {":2|c|@0.5", 4},
                                                         {":5|c|@0.1", 50},
                                                         {":1|c|@0.25", 4},
                                                         {":7|c|@0.125", 56},
                                                         {":1.5|c", 1.5}}};
  static constexpr std::array<const char*, 12> malformed{
      "load.c0:1",      "load.c0",       "load.c0:|c",      ":1|c",
      "load.c0:x|c",    "load.c0:1|",    "load.c0:1|c|0.1", "load.c0:1|c|@0",
      "load.c0:1|c|@2", "load.c0:nan|c", "load.c0:1|q",     "load.t0:1e999|ms"};

  void make_packet(std::size_t sender, std::size_t senders) {
    sender_ = sender;
    senders_ = senders;
    lines_.clear();
    const std::string own = "load.s" + std::to_string(sender);

    lines_.push_back(own + ":1|c");
    add("counters." + own + ".count", how::sum, 1, 1);
    for (int i = 0; i < 28; ++i) {
      const std::size_t which = random_() % counters.size();
      const std::string name = "load.c" + std::to_string(which);
      lines_.push_back(name + counters[which].text);
      add("counters." + name + ".count", how::sum, counters[which].unit, 1);
    }
    for (int i = 0; i < 20; ++i) add_timing();

    // Changes only: 1 up, 2 down for each packet, from 0.
    lines_.push_back("load.up:+1|g");
    lines_.push_back("load.down:-2|g");
    add("gauges.load.up", how::last, 1, 1);
    add("gauges.load.down", how::last, -2, 1);
    // Set, then changed; one line, because the order within it matters.
    const std::string level = own + ".level";
    lines_.push_back(level + ":0|g\n" + level + ":-10|g\n" + level + ":+4|g");
    expected_["gauges." + level] = {how::last, 0, {}, -6};

    lines_.push_back("load.users:" + std::string(packet_source::placeholder) + "|s");
    add("sets.load.users.count", how::sum, 1, 1);
    lines_.push_back("load.kinds:a:b|s");  // how often depends on where the intervals end

    for (std::size_t i = 0; i < bad_lines_per_packet; ++i)
      lines_.push_back(malformed[random_() % malformed.size()]);
    add("counters.statsd.bad_lines_seen.count", how::sum, 1, bad_lines_per_packet);
    add("counters.statsd.metrics_received.count", how::sum, 0, updates_per_packet);
    add("counters.statsd.metrics_without_room.count", how::sum, 0, 0);
    add("counters.statsd.members_without_room.count", how::sum, 0, 0);

    std::shuffle(lines_.begin(), lines_.end(), random_);
    std::string text;
    for (const auto& line : lines_) text.append(text.empty() ? "" : "\n").append(line);
    packets_.push_back(text);
  }

  void add_timing() {
    const std::size_t which = random_() % 4;
    const bool sampled = which == 3;
    const double value = static_cast<double>(random_() % 2000) / 4;  // quarters of a millisecond
    const char* const type = sampled ? "ms|@0.5" : which == 2 ? "h" : "ms";
    char text[32];
    std::snprintf(text, sizeof(text), ":%g|%s", value, type);
    const std::string name = "load.t" + std::to_string(which);
    lines_.push_back(name + text);
    const std::string path = "timers." + name;
    add(path + ".count", how::sum, sampled ? 2 : 1, 1);
    add(path + ".sum", how::sum, 0, value);
    add(path + ".sum_squares", how::sum, 0, value * value);
    bound(path + ".lower", how::least, value);
    bound(path + ".upper", how::greatest, value);
  }

  void add(const std::string& path, how combined, double unit, double amount) {
    expectation& e = expected_[path];
    e.combined = combined;
    e.unit = unit;
    e.per_packet.resize(senders_);
    e.per_packet[sender_] += amount;
  }

  void bound(const std::string& path, how combined, double value) {
    const auto [at, is_new] = expected_.try_emplace(path);
    expectation& e = at->second;
    e.combined = combined;
    if (is_new || (combined == how::least ? value < e.constant : value > e.constant))
      e.constant = value;
  }

  std::mt19937_64 random_;
  std::size_t sender_ = 0;
  std::size_t senders_ = 0;
  std::vector<std::string> lines_;
  std::vector<std::string> packets_;
  std::map<std::string, expectation> expected_;
};

}  // namespace statsd
