// Adds up what the reports say, and compares it with what was sent.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "workload.hpp"

namespace statsd {

/// What all reports of one run say together.
class ledger {
 public:
  explicit ledger(const std::string& file) {
    std::ifstream reports{file};
    for (std::string line; std::getline(reports, line);) add(line);
  }

  /// 0 for what was never reported.
  [[nodiscard]] double value(const std::string& path, expectation::how combined) const {
    const auto found = totals_.find(path);
    if (found == totals_.end()) return 0;
    switch (combined) {
      case expectation::how::sum: return found->second.sum;
      case expectation::how::last: return found->second.last;
      case expectation::how::least: return found->second.least;
      case expectation::how::greatest: return found->second.greatest;
    }
    return 0;
  }

  [[nodiscard]] std::uint64_t unreadable() const { return unreadable_; }

 private:
  struct total {
    double sum = 0;
    double last = 0;
    double least = std::numeric_limits<double>::infinity();
    double greatest = -std::numeric_limits<double>::infinity();
  };

  // The prefix, up to the first dot, changes with the configuration.
  void add(const std::string& line) {
    std::istringstream fields{line};
    std::string path;
    double value = 0;
    long timestamp = 0;
    const std::size_t dot = line.find('.');
    if (dot == std::string::npos || !(fields >> path >> value >> timestamp)) {
      ++unreadable_;
      return;
    }
    total& t = totals_[path.substr(dot + 1)];
    t.sum += value;
    t.last = value;
    t.least = std::min(t.least, value);
    t.greatest = std::max(t.greatest, value);
  }

  std::map<std::string, total> totals_;
  std::uint64_t unreadable_ = 0;
};

/// The difference between what arrived and what was reported.
struct account {
  double updates = 0;                ///< that arrived
  double lost = 0;                   ///< net, summed over the metrics that came to too little
  double doubled = 0;                ///< net, summed over the metrics that came to too much
  std::vector<std::string> wrong{};  ///< a sentence for each path with a wrong value
};

/// packets: of each sender, that arrived.
inline account compare(const workload& load, const ledger& reported,
                       const std::vector<double>& packets) {
  account result;
  for (const double n : packets) result.updates += n * workload::updates_per_packet;
  for (const auto& [path, e] : load.expected()) {
    const double scale = e.unit == 0 ? 1 : e.unit;
    double amount = e.constant;
    for (std::size_t i = 0; i < e.per_packet.size(); ++i)
      amount += e.per_packet[i] * packets[i] * scale;
    const double got = reported.value(path, e.combined);
    if (got == amount) continue;
    std::ostringstream wrong;
    wrong.precision(17);
    wrong << path << " came to " << got << " instead of " << amount;
    result.wrong.push_back(wrong.str());
    if (e.unit == 0) continue;
    const double missing = (amount - got) / e.unit;
    (missing > 0 ? result.lost : result.doubled) += std::abs(missing);
  }
  return result;
}

}  // namespace statsd
