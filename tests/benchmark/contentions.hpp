// Locks that several threads take at once, and guards that they need not share.
#pragma once

#include <vector>

#include <tests/benchmark/results.hpp>

namespace benchmarked {

/// Each for so many seconds in each round, in random order; the medians.
std::vector<contention> measure_contentions(int rounds, double seconds);

}  // namespace benchmarked
