// What the benchmarks write as JSON, and the drawing reads: a file that lacks something is refused.
#pragma once

#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace benchmarked {

struct machine {
  std::string processor;
  long processors;
  std::string kernel;
  std::string compiler;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(machine, processor, processors, kernel, compiler)

/// Times are in nanoseconds.
struct operation {
  std::string name;
  double median;
  double quartile_1;
  double quartile_3;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(operation, name, median, quartile_1, quartile_3)

struct ratio {
  std::string what;
  double value;
  double limit;  ///< the budget; 0: there is none
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ratio, what, value, limit)

/// In user mode; a system call is one.
struct instructions {
  std::string name;
  long count;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(instructions, name, count)

/// One operation after another by several threads at once.
struct contention {
  std::string name;
  int threads;
  double median;  ///< the time of the whole, by the number of all operations
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(contention, name, threads, median)

struct operations_report {
  machine measured_on;
  std::vector<operation> operations;
  std::vector<ratio> ratios;
  std::vector<instructions> counts;
  std::vector<contention> contentions;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(operations_report, measured_on, operations, ratios, counts,
                                   contentions)

/// From before a signal is raised until the turn of the loop is over in which it was noticed.
struct turn {
  std::string peer;
  double median;
  double p99;
  double ratio;       ///< to the faster of Boost.Asio and libuv; 0 without both
  long system_calls;  ///< of the signal and the turn
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(turn, peer, median, p99, ratio, system_calls)

/// Many signals before one turn.
struct burst {
  std::string peer;
  std::uint64_t raised;
  std::uint64_t callbacks;
  std::uint64_t signals;  ///< that the callbacks were told of
  double each;            ///< the time of the whole, by the number of signals
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(burst, peer, raised, callbacks, signals, each)

/// Work and turns, while a timer sends signals.
struct storm {
  std::string peer;
  unsigned rate;     ///< signals in a second
  double share;      ///< of the processor's time that the work gets
  double callbacks;  ///< in a second of the processor's time
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(storm, peer, rate, share, callbacks)

struct loops_report {
  machine measured_on;
  std::vector<std::string> missing;
  double getpid;
  std::vector<turn> turns;
  std::vector<ratio> ratios;
  std::vector<burst> bursts;
  std::vector<storm> storms;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(loops_report, measured_on, missing, getpid, turns, ratios,
                                   bursts, storms)

machine this_machine();

void write_json(const std::string& file, const nlohmann::json& what);
/// Errors:   std::runtime_error, also when the file is not a whole Report
template <class Report>
Report read_json(const std::string& file) {
  std::ifstream in{file};
  if (!in) throw std::runtime_error("cannot read " + file);
  try {
    return nlohmann::json::parse(in).get<Report>();
  } catch (const nlohmann::json::exception& error) {
    throw std::runtime_error(file + " is not what is expected here: " + error.what());
  }
}

/// "within", "OVER", or nothing when there is no limit.
const char* verdict(const ratio& of) noexcept;

/// The value below which a part of them is; 0.5: the median.
double quantile(std::vector<double> values, double part);

}  // namespace benchmarked
