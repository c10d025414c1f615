// Draws the charts of docs/explanation/performance.md from what the benchmarks have written.
#include <algorithm>
#include <exception>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <tests/benchmark/chart.hpp>
#include <tests/benchmark/results.hpp>

namespace {

using namespace benchmarked;

bool is_ours(const std::string& peer) {
  return peer.find("guard") != std::string::npos || peer.rfind("event.", 0) == 0 ||
         peer == "signal_fd" || peer.find("raw_mutex") != std::string::npos;
}

bar_chart of_turns(const loops_report& report) {
  bar_chart chart{"A signal to itself, and the turn of the loop that notices it",
                  "times as long as the faster of Boost.Asio and libuv takes",
                  false,
                  {}};
  for (const turn& each : report.turns)
    chart.bars.push_back({each.peer, each.ratio, is_ours(each.peer)});
  std::sort(chart.bars.begin(), chart.bars.end(),
            [](const bar& a, const bar& b) { return a.value < b.value; });
  return chart;
}

bar_chart of_operations(const operations_report& report) {
  struct shown {
    const char* name;
    const char* words;
    bool is_ours;
  };
  constexpr shown all[] = {
      {"thread_local_pair", "thread-local ++ and --", false},
      {"postgres_hold", "PostgreSQL's hold counter", false},
      {"lazy_guard", "lazy guard", true},
      {"lazy_cell", "lazy cell, borrow_mut", true},
      {"eager_guard_nested", "eager guard, nested", true},
      {"lazy_mutex", "lazy mutex", true},
      {"std_mutex", "std::mutex", false},
      {"getpid", "getpid", false},
      {"sigmask_pair", "pthread_sigmask, twice", false},
      {"eager_guard", "eager guard", true},
      {"eager_mutex", "eager mutex", true},
      {"bare_handler", "signal, sigaction", false},
      {"sigsafe_handler", "signal, handler", true},
      {"signal_in_postgres_hold", "signal in a hold counter", false},
      {"signal_in_mask", "signal in a signal mask", false},
      {"signal_in_lazy_guard", "signal in a lazy guard", true},
  };
  bar_chart chart{"What an operation costs when nobody else wants the lock",
                  "nanoseconds, each step ten times the one before",
                  true,
                  {}};
  for (const shown& each : all) {
    const auto found = std::find_if(report.operations.begin(), report.operations.end(),
                                    [&](const operation& one) { return one.name == each.name; });
    if (found == report.operations.end())
      throw std::runtime_error(fmt::format("there is no operation {}", each.name));
    chart.bars.push_back({each.words, found->median, each.is_ours});
  }
  return chart;
}

/// Lines in the order of their first points; all have points at the same places.
template <class Values, class Name, class At, class Value>
std::vector<line> lines_of(const Values& values, std::vector<std::string>& labels, Name name, At at,
                           Value value) {
  std::vector<line> lines;
  std::map<std::string, std::size_t> index;
  for (const auto& each : values) {
    const std::string label = fmt::format("{}", at(each));
    auto known = std::find(labels.begin(), labels.end(), label);
    if (known == labels.end()) known = labels.insert(known, label);
    const auto [found, is_new] = index.emplace(name(each), lines.size());
    if (is_new) lines.push_back({name(each), {}, is_ours(name(each))});
    lines[found->second].points.emplace_back(known - labels.begin(), value(each));
  }
  if (lines.empty()) throw std::runtime_error("there is nothing to draw");
  return lines;
}

line_chart of_storms(const loops_report& report) {
  const std::vector<std::string> shown{"guard.poll", "event.fd",   "signalfd",
                                       "self-pipe",  "Boost.Asio", "libuv"};
  std::vector<storm> chosen;
  for (const storm& each : report.storms)
    if (std::count(shown.begin(), shown.end(), each.peer) != 0) chosen.push_back(each);
  line_chart chart{"What a storm of signals leaves to the work of a loop",
                   "signals in a second",
                   "percent of the processor's time",
                   {},
                   {}};
  chart.lines = lines_of(
      chosen, chart.x_labels, [](const storm& each) { return each.peer; },
      [](const storm& each) { return each.rate; },
      [](const storm& each) { return std::min(each.share, 1.0) * 100; });
  return chart;
}

line_chart of_contentions(const operations_report& report) {
  line_chart chart{"Work of 120 ns, 10 of them in the lock or all of them in the guard",
                   "threads",
                   "millions of operations in a second, of all threads",
                   {},
                   {}};
  chart.lines = lines_of(
      report.contentions, chart.x_labels, [](const contention& each) { return each.name; },
      [](const contention& each) { return each.threads; },
      [](const contention& each) { return 1000 / each.median; });
  return chart;
}

void write(const std::string& file, const std::string& what) {
  std::ofstream out{file};
  out << what;
  if (!out.flush()) throw std::runtime_error("cannot write " + file);
}

}  // namespace

int main(int argc, char** argv) {
  std::string operations, loops, folder;
  CLI::App app{"Draws what the benchmarks have measured."};
  app.add_option("operations", operations, "What benchmark_operations has written")->required();
  app.add_option("loops", loops, "What benchmark_loops has written")->required();
  app.add_option("folder", folder, "Where the pictures go")->required();
  CLI11_PARSE(app, argc, argv);
  try {
    const auto of_holds = read_json<operations_report>(operations);
    const auto of_loops = read_json<loops_report>(loops);
    write(folder + "/operations.svg", as_svg(of_operations(of_holds)));
    write(folder + "/threads.svg", as_svg(of_contentions(of_holds)));
    write(folder + "/turns.svg", as_svg(of_turns(of_loops)));
    write(folder + "/storms.svg", as_svg(of_storms(of_loops)));
  } catch (const std::exception& error) {
    fmt::print(stderr, "benchmark_draw: {}\n", error.what());
    return 1;
  }
}
