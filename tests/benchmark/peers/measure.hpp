// What is measured of a peer, in its process.
#pragma once

#include <cstdint>
#include <vector>

#include <tests/benchmark/peers/peer.hpp>

namespace benchmarked {

/// Raises the signal, and has the loop turn until it has called back.
void signal_and_turn(peer& of);

/// The times of so many signals and turns.
std::vector<double> time_turns(peer& of, std::uint64_t turns);

struct burst_result {
  double callbacks;
  double signals;
  double each;  ///< nanoseconds
};
/// Raises so many signals, and then has the loop turn until it has nothing left.
burst_result raise_before_a_turn(peer& of, std::uint64_t signals);

struct storm_result {
  double share;
  double callbacks;  ///< in a second
};
/// Works for about 20 microseconds, turns, and so on, for a while with so many signals in a second
/// from a timer, and for as long without signals and turns.
storm_result work_in_a_storm(peer& of, unsigned rate, double seconds);

/// The time of one getpid, for comparison.
double time_getpid();

}  // namespace benchmarked
