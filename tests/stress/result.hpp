// What is planned, and what came of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <tests/stress/counters.hpp>

namespace stress {

/// One run: a scenario on a backend under a source of signals.
struct cell {
  std::string scenario;
  std::string backend;
  std::string source;
  std::string mutant;  ///< empty: none
  unsigned threads = 2;
  std::uint64_t rate = 0;  ///< signals per second and sender; 0: as fast as it goes
  double seconds = 1.2;
  std::uint64_t seed = 1;
  double patience = 10;  ///< seconds without any progress until it counts as a violation
};

enum class verdict { passed, violated, interrupted };

/// The counts of counters at the end, and the verdict; or the sum of several runs.
struct result {
  cell of;
  unsigned runs = 1;
  verdict ended = verdict::passed;
  std::string violation;  ///< what was wrong; empty when passed
  std::string repeat;     ///< the command that repeats it
  double seconds = 0;
  std::uint64_t operations = 0, sent = 0, delivered = 0, deferred = 0, coalesced = 0, lost = 0,
                torn = 0, disorder = 0;
  std::uint64_t most = 0;             ///< the longest delay, in nanoseconds
  std::vector<std::uint64_t> delays;  ///< histogram::size buckets

  /// What so much of all delays (0 to 1) do not exceed.
  [[nodiscard]] std::uint64_t delay_bound(double part) const noexcept {
    return std::min(histogram::bound(delays, part), most);
  }

  /// Another run of the same, with another seed.
  void add(const result& more) {
    runs += more.runs;
    seconds += more.seconds;
    operations += more.operations;
    sent += more.sent;
    delivered += more.delivered;
    deferred += more.deferred;
    coalesced += more.coalesced;
    lost += more.lost;
    torn += more.torn;
    disorder += more.disorder;
    most = std::max(most, more.most);
    for (std::size_t i = 0; i < delays.size(); ++i) delays[i] += more.delays[i];
  }
};

}  // namespace stress
