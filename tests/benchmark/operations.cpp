// What guards, mutexes, cells and handlers cost, as ratios of two medians of one run.
//
// Both sides of a ratio run in this process, in many short rounds in random order, so that what
// disturbs the machine disturbs both. Nothing here is asserted: a clock does not repeat.
#include <tests/benchmark/operations.hpp>

#include <benchmark/benchmark.h>

#include <exception>
#include <map>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <tests/benchmark/contentions.hpp>
#include <tests/benchmark/instructions.hpp>
#include <tests/benchmark/results.hpp>

namespace {

using namespace benchmarked;

struct budget {
  const char* what;
  const char* measured;
  const char* against;
  double limit;  // of measured / against; 0: none
};

constexpr budget budgets[] = {
    {"lazy guard / thread-local ++/-- pair", "lazy_guard", "thread_local_pair", 0.4},
    {"lazy guard / pairs that wait for nothing", "lazy_guard", "thread_local_pairs_apart", 0},
    {"lazy guard / PostgreSQL's hold counter", "lazy_guard", "postgres_hold", 0},
    {"lazy guard / pthread_sigmask pair", "lazy_guard", "sigmask_pair", 1.0 / 600},
    {"work in a lazy guard / work alone", "work_in_lazy_guard", "work_alone", 1.05},
    {"work in a hold counter / work alone", "work_in_postgres_hold", "work_alone", 0},
    {"lazy mutex / its lock + pair", "lazy_mutex", "lock_and_pair", 1.05},
    {"lazy mutex / std::mutex", "lazy_mutex", "std_mutex", 1.0},
    {"lazy cell borrow_mut / pair", "lazy_cell", "thread_local_pair", 1.0},
    {"eager guard / pthread_sigmask pair", "eager_guard", "sigmask_pair", 1.05},
    {"eager guard, nested / pair", "eager_guard_nested", "thread_local_pair", 2.0},
    {"signal through handler / sigaction", "sigsafe_handler", "bare_handler", 1.05},
    {"the same, 1 handler elsewhere", "sigsafe_handler_1", "bare_handler", 1.05},
    {"the same, 10 handlers elsewhere", "sigsafe_handler_10", "bare_handler", 1.05},
    {"the same, 1,000 handlers elsewhere", "sigsafe_handler_1000", "bare_handler", 1.05},
    {"signal in lazy guard / in a mask", "signal_in_lazy_guard", "signal_in_mask", 1.01},
    {"signal in lazy guard / in a hold counter", "signal_in_lazy_guard", "signal_in_postgres_hold",
     0},
};

/// Gathers the repetitions, and makes the report of them.
class gatherer : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      times_[run.run_name.function_name].push_back(run.GetAdjustedCPUTime());
    }
  }

  [[nodiscard]] operations_report report() const {
    operations_report result;
    result.measured_on = this_machine();
    for (const auto& [name, times] : times_)
      result.operations.push_back(
          {name, quantile(times, 0.5), quantile(times, 0.25), quantile(times, 0.75)});
    for (const budget& row : budgets) {
      const auto measured = times_.find(row.measured), against = times_.find(row.against);
      if (measured == times_.end() || against == times_.end()) continue;
      result.ratios.push_back(
          {row.what, quantile(measured->second, 0.5) / quantile(against->second, 0.5), row.limit});
    }
    return result;
  }

 private:
  std::map<std::string, std::vector<double>> times_;
};

void print(const operations_report& of) {
  fmt::print("{:<28} {:>12} {:>10} {:>10}\n", "operation (ns)", "median", "quartile 1",
             "quartile 3");
  for (const operation& each : of.operations)
    fmt::print("{:<28} {:>12.2f} {:>10.2f} {:>10.2f}\n", each.name, each.median, each.quartile_1,
               each.quartile_3);
  fmt::print("\n{:<42} {:>8} {:>8}\n", "ratio of medians", "measured", "budget");
  for (const ratio& each : of.ratios)
    fmt::print("{:<42} {:>8.4f} {:>8} {}\n", each.what, each.value,
               each.limit == 0 ? "" : fmt::format("{:.4f}", each.limit), verdict(each));
  fmt::print("\n{:<28} {:>12}\n", "operation", "instructions");
  for (const instructions& each : of.counts) fmt::print("{:<28} {:>12}\n", each.name, each.count);
  fmt::print("\nns for each operation of all threads\n");
  std::string name;
  for (const contention& each : of.contentions) {
    if (each.name != name) fmt::print("\n{:<28}", name = each.name);
    fmt::print(" {:>2}: {:>5.0f}", each.threads, each.median);
  }
  fmt::print("\n");
}

void measure(benchmark::BenchmarkReporter& out, bool quick) {
  // With random interleaving each repetition is a round.
  std::vector<std::string> options{
      "benchmark_operations", quick ? "--benchmark_repetitions=1" : "--benchmark_repetitions=25",
      quick ? "--benchmark_min_time=0.0001" : "--benchmark_min_time=0.01",
      "--benchmark_enable_random_interleaving=true"};
  std::vector<char*> pointers;
  for (std::string& option : options) pointers.push_back(option.data());
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  register_holds();
  register_signals();
  benchmark::RunSpecifiedBenchmarks(&out);
}

}  // namespace

int main(int argc, char** argv) {
  std::string json;
  bool quick = false;
  CLI::App app{"Measures what guards, mutexes, cells and handlers cost."};
  app.add_option("--json", json, "Write the results to this file, too");
  app.add_flag("--quick", quick, "See that it works, and measure nothing");
  CLI11_PARSE(app, argc, argv);
  try {
    gatherer results;
    measure(results, quick);
    operations_report report = results.report();
    report.counts = count_all_instructions();
    report.contentions = quick ? measure_contentions(1, 0.001) : measure_contentions(9, 0.02);
    print(report);
    if (!json.empty()) write_json(json, report);
  } catch (const std::exception& error) {
    fmt::print(stderr, "benchmark_operations: {}\n", error.what());
    return 1;
  }
}
