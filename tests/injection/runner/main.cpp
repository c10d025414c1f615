// Injects a signal at every instruction of every operation, and says what came out.
#include <fnmatch.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <tests/injection/runner/stepper.hpp>
#include <tests/injection/runner/supervise.hpp>
#include <tests/injection/runner/symbols.hpp>
#include <tests/support/signal_queue.hpp>

namespace injection {
namespace {

using clock = std::chrono::steady_clock;

struct options {
  program tested;
  std::string emulator;
  std::vector<std::string> patterns;
  std::vector<std::string> skipped;
  std::vector<std::string> variants;
  std::string pairs = "none";
  std::uint32_t pair_stride = 1;
  bool repeats = false;
  bool cross_check = false;
  bool demand_violation = false;
  bool only_list = false;
};

struct totals {
  std::size_t subjects = 0;
  std::uint64_t runs = 0;
  std::uint64_t pairs = 0;
  std::uint64_t steps = 0;
  std::uint64_t violations = 0;
};

/// What gdb needs to stop at the instruction and show the handler come in.
std::string replay_command(const options& with, const order& wanted, const std::string& first,
                           const violation& found) {
  std::string arguments = fmt::format("replay {} {} {}", wanted.subject, first, found.at.first);
  if (wanted.pairs) arguments += fmt::format(" second {}", found.at.second);
  if (!with.emulator.empty())
    return fmt::format("{} {} {}", with.emulator, with.tested.path, arguments);
  return fmt::format(
      "gdb -q -ex 'set confirm off' -ex 'handle all nostop noprint pass' -ex 'handle SIGTRAP "
      "nostop noprint "
      "pass' -ex 'tbreak injection_replay' -ex run -ex 'handle all stop print pass' "
      "-ex 'break injection_turn' -ex continue "
      "--args {} {}",
      with.tested.path, arguments);
}

class session {
 public:
  explicit session(const options& with) : with_(with), list_(list_of(with.tested)) {}

  int go() {
    if (with_.only_list) {
      for (const subject_entry& each : list_.subjects) fmt::print("{}\n", each.name);
      return 0;
    }
    fmt::print("{:<60}{:>13}{:>9}{:>10}{:>12}{:>9}\n", "subject", "instructions", "runs", "pairs",
               "violations", "seconds");
    for (const subject_entry& each : list_.subjects) {
      if (!with_.patterns.empty() && !matches(with_.patterns, each.name)) continue;
      if (matches(with_.skipped, each.name))
        fmt::print("{:<60}SKIPPED\n", each.name);
      else
        test(each);
    }
    if (sum_.subjects == 0) {
      fmt::print(stderr, "no subject has such a name; --list names them all\n");
      return 2;
    }
    fmt::print("{} subjects, {} runs, {} pairs, {} runs by single steps: {} violations\n",
               sum_.subjects, sum_.runs, sum_.pairs, sum_.steps, sum_.violations);
    if (!with_.demand_violation) return sum_.violations == 0 ? 0 : 1;
    if (sum_.violations == 0) fmt::print("SURVIVED: the fault was not found\n");
    return sum_.violations == 0 ? 1 : 0;
  }

 private:
  static bool matches(const std::vector<std::string>& patterns, const std::string& name) {
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
      return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
    });
  }

  void test(const subject_entry& subject) {
    if (with_.demand_violation && sum_.violations != 0) return;
    const auto started = clock::now();
    outcome all;
    run({.subject = subject.name, .variants = chosen_variants()}, subject, all);
    if (with_.cross_check && all.violations.empty()) cross_check(subject, all);
    if (with_.pairs == "all" || (with_.pairs == "core" && subject.core)) {
      if (!subject.sleeps && !subject.forks) {
        const order both{.subject = subject.name, .pairs = true, .stride = with_.pair_stride};
        run(both, subject, all);
      }
    }
    if (all.runs == 0 && all.violations.empty()) {
      fmt::print("VIOLATION in {}: nothing was injected\n", subject.name);
      all.violations.push_back({"nothing was injected", {}, {}});
    }
    const std::chrono::duration<double> took = clock::now() - started;
    fmt::print("{:<60}{:>13}{:>9}{:>10}{:>12}{:>9.2f}\n", subject.name, all.instructions,
               all.runs - all.pairs, all.pairs, all.violations.size(), took.count());
    std::fflush(stdout);
    ++sum_.subjects;
    sum_.runs += all.runs - all.pairs;
    sum_.pairs += all.pairs;
    sum_.violations += all.violations.size();
  }

  /// Without a choice all but the last one, which is there for pairs.
  [[nodiscard]] std::uint32_t chosen_variants() const {
    if (with_.variants.empty()) return bit_of(list_.variants.back()) - 1;
    std::uint32_t bits = 0;
    for (const std::string& name : with_.variants) bits |= bit_of(name);
    return bits;
  }

  [[nodiscard]] std::uint32_t bit_of(const std::string& variant) const {
    const auto& all = list_.variants;
    const auto found = std::find(all.begin(), all.end(), variant);
    if (found == all.end())
      throw std::runtime_error(
          fmt::format("there is no variant \"{}\", only {}", variant, fmt::join(all, ", ")));
    return std::uint32_t{1} << (found - all.begin());
  }

  void run(order wanted, const subject_entry& subject, outcome& all) {
    if (subject.forks) wanted.patience *= 50;
    if (!with_.emulator.empty()) wanted.patience *= 25;
    if (with_.demand_violation) wanted.most_violations = 1;
    wanted.repeats = with_.repeats;
    outcome one = carry_out(with_.tested, wanted);
    for (std::size_t i = 0; i < one.violations.size(); ++i)
      if (i < 3) explain(wanted, one.violations[i]);
    if (one.instructions != 0) {
      all.instructions = one.instructions;
      all.trace = std::move(one.trace);
      all.sleeps_at = one.sleeps_at;
    }
    all.runs += one.runs;
    all.pairs += one.pairs;
    all.violations.insert(all.violations.end(), one.violations.begin(), one.violations.end());
  }

  void explain(const order& wanted, const violation& found) const {
    fmt::print("VIOLATION in {}: {}\n", wanted.subject, found.what);
    if (found.address[0] == 0) {
      fmt::print("  while its instructions were learned\n");
      return;
    }
    const std::string first = wanted.pairs ? "standard" : list_.variants.at(found.at.variant);
    fmt::print("  {} at instruction {}: {}\n", first, found.at.first,
               name_of(with_.tested.path, found.address[0]));
    if (wanted.pairs && found.address[1] == 0)
      fmt::print("  while the instructions behind it were learned\n");
    else if (wanted.pairs)
      fmt::print("  second at instruction {} behind it: {}\n", found.at.second,
                 name_of(with_.tested.path, found.address[1]));
    fmt::print("  replay: {}\n", replay_command(with_, wanted, first, found));
  }

  /// The same instructions by single steps, and the same results.
  void cross_check(const subject_entry& subject, outcome& all) {
    if (subject.forks || subject.writes_pid) return;
    const std::size_t size =
        subject.sleeps ? static_cast<std::size_t>(all.sleeps_at) + 1 : all.trace.size();
    const std::vector<std::uint64_t> steps =
        step_through(with_.tested, list_, subject, subject.sleeps ? size : size + 1);
    if (steps.size() != size || !std::equal(steps.begin(), steps.end(), all.trace.begin())) {
      const auto [step, known] =
          std::mismatch(steps.begin(), steps.end(), all.trace.begin(), all.trace.end());
      const auto place = [&](auto at, const auto& trace) {
        return at == trace.end() ? "its end" : name_of(with_.tested.path, *at);
      };
      fmt::print(
          "VIOLATION in {}: single steps execute {} instructions, the injector knew {}; they "
          "differ at {}, behind {}: {}, not {}\n",
          subject.name, steps.size(), size, step - steps.begin(),
          step == steps.begin() ? "the beginning" : name_of(with_.tested.path, step[-1]),
          place(step, steps), place(known, all.trace));
      all.violations.push_back({"single steps execute other instructions", {}, {}});
      return;
    }
    if (!subject.core) return;
    for (std::size_t i = 0; i < size; ++i) {
      ++sum_.steps;
      const std::string wrong =
          step_and_send(with_.tested, list_, subject, steps, i, SIGUSR1, "standard");
      if (wrong.empty()) continue;
      fmt::print("VIOLATION in {}: {}, at instruction {}: {}\n", subject.name, wrong, i,
                 name_of(with_.tested.path, steps[i]));
      all.violations.push_back({wrong, {0, static_cast<std::uint32_t>(i), 0}, {steps[i], 0}});
      return;
    }
  }

  const options& with_;
  program_list list_;
  totals sum_;
};

}  // namespace
}  // namespace injection

int main(int count, char** arguments) {
  injection::options wanted;
  CLI::App app{"Injects a signal at every instruction of the operations of a program under test."};
  app.add_option("program", wanted.tested.path, "the program under test")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--emulator", wanted.emulator, "the command that runs it, such as qemu-aarch64");
  app.add_option("--subject", wanted.patterns, "only subjects whose names match; may be repeated");
  app.add_option("--skip", wanted.skipped, "not those whose names match; may be repeated");
  app.add_option("--variant", wanted.variants, "only these kinds of signals; may be repeated");
  app.add_option("--pairs", wanted.pairs,
                 "for which subjects two signals are injected at each pair")
      ->check(CLI::IsMember({"none", "core", "all"}))
      ->capture_default_str();
  app.add_option("--pair-stride", wanted.pair_stride,
                 "both signals only at every so many-th instruction")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--repeats", wanted.repeats,
               "also where a signal only becomes pending, as it does at the next instruction");
  app.add_flag("--cross-check", wanted.cross_check,
               "also by single steps from outside, one process a run; not with an emulator");
  app.add_flag("--demand-violation", wanted.demand_violation,
               "succeed only if a violation is found");
  app.add_flag("--list", wanted.only_list, "name the subjects");
  CLI11_PARSE(app, count, arguments);
  test::note_a_full_signal_queue();
  wanted.tested.path = std::filesystem::absolute(wanted.tested.path);
  std::istringstream words{wanted.emulator};
  for (std::string word; words >> word;) wanted.tested.emulator.push_back(word);
  try {
    return injection::session{wanted}.go();
  } catch (const std::exception& error) {
    fmt::print(stderr, "injection: {}\n", error.what());
    return 3;
  }
}
