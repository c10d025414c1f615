// Signals to event loops: what a turn, a burst and a storm cost in sigsafe's loops and in others.
//
// Each peer has a process. In each round every peer has its turn, in random order, so that what
// disturbs the machine disturbs all; a ratio is the median of the ratios of the rounds.
#include <algorithm>
#include <cstdint>
#include <deque>
#include <exception>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <tests/benchmark/peers/measure.hpp>
#include <tests/benchmark/peers/peer.hpp>
#include <tests/benchmark/peers/served.hpp>
#include <tests/benchmark/results.hpp>
#include <tests/support/dies_with_parent.hpp>

namespace {

using namespace benchmarked;

struct options {
  std::vector<std::string> peers;
  std::string json;
  unsigned rounds = 61;
  unsigned turns = 300;
  unsigned signals = 100'000;
  unsigned storm_rounds = 5;
  double seconds = 0.02;
  std::vector<unsigned> rates{0, 1000, 2000, 5000, 10'000, 20'000, 50'000};

  void make_quick() {
    rounds = 3;
    turns = 20;
    signals = 1000;
    storm_rounds = 1;
    seconds = 0.001;
    rates = {0, 10'000};
  }
};

struct budget {
  const char* peer;
  double limit;  // of the faster of Boost.Asio and libuv
};
constexpr budget budgets[] = {{"guard.poll", 0.65}, {"event.fd", 0.85}};

class measurement {
 public:
  explicit measurement(const options& wanted) : wanted_(wanted) {
    result.measured_on = this_machine();
    for (const kind_of_peer& each : all_peers()) {
      const std::string name{each.name};
      if (!wanted.peers.empty() && std::count(wanted.peers.begin(), wanted.peers.end(), name) == 0)
        continue;
      if (each.make == nullptr)
        result.missing.push_back(name);
      else
        peers_.emplace_back(each);
    }
    for (served_peer& each : peers_) shuffled_.push_back(&each);
  }

  loops_report result;

  void measure_turns() {
    std::vector<double> getpids;
    std::map<std::string, std::vector<double>> all, medians, ratios;
    for (unsigned round = 0; round < wanted_.rounds; ++round) {
      getpids.push_back(time_getpid());
      for (served_peer* each : in_random_order()) {
        const auto times = each->ask({task_kind::turns, wanted_.turns, 0});
        auto& those = all[name_of(*each)];
        those.insert(those.end(), times.begin(), times.end());
        medians[name_of(*each)].push_back(quantile(times, 0.5));
      }
      const double faster = faster_of_others(medians, round);
      for (auto& [name, values] : medians) ratios[name].push_back(values[round] / faster);
    }
    result.getpid = quantile(getpids, 0.5);
    for (served_peer& each : peers_) {
      const std::string name = name_of(each);
      result.turns.push_back({name, quantile(medians[name], 0.5), quantile(all[name], 0.99),
                              quantile(ratios[name], 0.5), system_calls_of_a_turn(each.kind())});
    }
    for (const budget& each : budgets)
      if (medians.count(each.peer) != 0 && ratios[each.peer].front() > 0)
        result.ratios.push_back({fmt::format("{} / the faster of Boost.Asio and libuv", each.peer),
                                 quantile(ratios[each.peer], 0.5), each.limit});
  }

  void measure_bursts() {
    for (served_peer& each : peers_) {
      const auto answer = each.ask({task_kind::burst, wanted_.signals, 0});
      result.bursts.push_back({name_of(each), wanted_.signals,
                               static_cast<std::uint64_t>(answer[0]),
                               static_cast<std::uint64_t>(answer[1]), answer[2]});
    }
  }

  void measure_storms() {
    std::map<std::pair<std::string, unsigned>, std::vector<double>> shares, callbacks;
    for (unsigned round = 0; round < wanted_.storm_rounds; ++round)
      for (const unsigned rate : wanted_.rates)
        for (served_peer* each : in_random_order()) {
          const auto answer = each->ask({task_kind::storm, rate, wanted_.seconds});
          shares[{name_of(*each), rate}].push_back(answer[0]);
          callbacks[{name_of(*each), rate}].push_back(answer[1]);
        }
    for (const served_peer& each : peers_)
      for (const unsigned rate : wanted_.rates) {
        const std::pair key{name_of(each), rate};
        result.storms.push_back(
            {key.first, rate, quantile(shares[key], 0.5), quantile(callbacks[key], 0.5)});
      }
  }

 private:
  static std::string name_of(const served_peer& of) { return std::string{of.kind().name}; }

  const std::vector<served_peer*>& in_random_order() {
    std::shuffle(shuffled_.begin(), shuffled_.end(), random_);
    return shuffled_;
  }

  /// Infinite without both, which makes every ratio 0.
  static double faster_of_others(const std::map<std::string, std::vector<double>>& medians,
                                 unsigned round) {
    double faster = std::numeric_limits<double>::infinity();
    for (const char* other : {"Boost.Asio", "libuv"}) {
      const auto found = medians.find(other);
      if (found != medians.end()) faster = std::min(faster, found->second[round]);
    }
    return faster;
  }

  const options& wanted_;
  std::deque<served_peer> peers_;
  std::vector<served_peer*> shuffled_;
  std::mt19937 random_{std::random_device{}()};
};

void print_turns(const loops_report& of) {
  fmt::print("{:<17} {:>10} {:>10} {:>10} {:>10} {:>8}\n", "signal and turn", "median ns", "p99 ns",
             "x getpid", "ratio", "syscalls");
  for (const turn& each : of.turns)
    fmt::print("{:<17} {:>10.0f} {:>10.0f} {:>10.1f} {:>10.2f} {:>8}\n", each.peer, each.median,
               each.p99, each.median / of.getpid, each.ratio, each.system_calls);
  fmt::print("\nratio: to the faster of Boost.Asio and libuv; getpid: {:.0f} ns\n", of.getpid);
  for (const ratio& each : of.ratios)
    fmt::print("{:<50} {:>5.2f}, budget {:.2f}: {}\n", each.what, each.value, each.limit,
               verdict(each));
}

void print_bursts(const loops_report& of) {
  fmt::print("\n{:<17} {:>10} {:>10} {:>12} {:>10}\n", "burst", "raised", "callbacks", "told of",
             "ns each");
  for (const burst& each : of.bursts)
    fmt::print("{:<17} {:>10} {:>10} {:>12} {:>10.0f}\n", each.peer, each.raised, each.callbacks,
               each.signals, each.each);
}

void print_storms(const loops_report& of, const std::vector<unsigned>& rates) {
  fmt::print("\nshare of the time that is left to work, with so many signals in a second\n{:<17}",
             "storm");
  for (const unsigned rate : rates) fmt::print(" {:>7}", rate);
  std::string peer;
  for (const storm& each : of.storms) {
    if (each.peer != peer) fmt::print("\n{:<17}", peer = each.peer);
    fmt::print(" {:>6.0f}%", each.share * 100);
  }
  fmt::print("\n");
}

void run(const options& wanted) {
  measurement measured{wanted};
  loops_report& result = measured.result;
  for (const std::string& each : result.missing)
    fmt::print("SKIPPED {}: its library was not found when this was built\n", each);
  measured.measure_turns();
  print_turns(result);
  measured.measure_bursts();
  print_bursts(result);
  measured.measure_storms();
  print_storms(result, wanted.rates);
  if (!wanted.json.empty()) write_json(wanted.json, result);
}

}  // namespace

int main(int argc, char** argv) {
  options wanted;
  bool quick = false;
  CLI::App app{"Measures what signals cost in event loops."};
  std::vector<std::string> names;
  for (const kind_of_peer& each : all_peers()) names.emplace_back(each.name);
  app.add_option("--peer", wanted.peers, "Only this one; may be given several times")
      ->check(CLI::IsMember(names));
  app.add_option("--json", wanted.json, "Write the results to this file, too");
  app.add_option("--rounds", wanted.rounds, "How often each peer is measured")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--quick", quick, "See that it works, and measure nothing");
  CLI11_PARSE(app, argc, argv);
  if (quick) wanted.make_quick();
  test::let_children_die_with_us();
  try {
    run(wanted);
  } catch (const std::exception& error) {
    fmt::print(stderr, "benchmark_loops: {}\n", error.what());
    return 1;
  }
}
