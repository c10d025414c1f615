// What is planned, and what came of it.
#pragma once

#include <array>
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
  double seconds = 1;
  std::uint64_t seed = 1;
  double patience = 10;  ///< seconds without any progress until it counts as a violation
};

enum class verdict { passed, violated, interrupted };

/// The counts of counters at the end, and the verdict.
struct result {
  cell of;
  verdict ended = verdict::passed;
  std::string violation;  ///< what was wrong; empty when passed
  std::string repeat;     ///< the command that repeats it
  double seconds = 0;
  std::uint64_t operations = 0, sent = 0, delivered = 0, deferred = 0, coalesced = 0, lost = 0,
                torn = 0, disorder = 0;
  std::uint64_t p50 = 0, p99 = 0, most = 0;  ///< delays in nanoseconds; p50 and p99 are upper bounds
  std::vector<std::uint64_t> delays;         ///< histogram::size buckets
};

}  // namespace stress
