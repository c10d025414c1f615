#include <tests/stress/suite.hpp>

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>
#include <variant>

#include <fmt/format.h>

#include <sigsafe/handler.hpp>

#include <tests/stress/options.hpp>
#include <tests/stress/report.hpp>
#include <tests/stress/source.hpp>
#include <tests/support/sanitizers.hpp>
#include <tests/support/signal_queue.hpp>

namespace stress {

const std::vector<scenario_kind>& scenario_kinds() {
  static const std::vector<scenario_kind> all = {
      {.name = "words",
       .about = "words in a mutex, changed by threads and handlers",
       .mutants = {"no_lock", "no_guard", "loses_signals", "repeats_signals", "never_opens"}},
      {.name = "ring",
       .about = "numbers through a ring in a mutex, in their order",
       .mutants = {"no_lock", "no_guard"}},
      {.name = "free_list",
       .about = "nodes that are taken and put back",
       .mutants = {"no_lock", "no_guard"}},
      {.name = "text",
       .about = "a text and its length in a mutex",
       .mutants = {"no_lock", "no_guard"}},
      {.name = "cell", .about = "words in a cell of each thread", .mutants = {"no_guard"}},
      {.name = "any_order",
       .about = "locks and borrows that end in every order",
       .mutants = {"no_lock", "no_guard", "flat"}},
      {.name = "mixture",
       .about = "eager and lazy guards and locks in each other",
       .mutants = {"no_guard"}},
      {.name = "condition",
       .about = "tokens through a condition variable",
       .mutants = {"no_lock", "no_guard"},
       .threads = 4},
      {.name = "contention",
       .about = "two nested locks, and a holder that waits for a waiter's handler",
       .mutants = {"no_lock", "no_guard", "deaf"},
       .threads = 4},
      {.name = "churn",
       .about = "handlers that come and go while they run elsewhere",
       .mutants = {"no_guard", "ends_early"},
       .threads = 4},
      {.name = "forks",
       .about = "children that fork inside a lock",
       .mutants = {"no_lock", "no_guard"},
       .has_children = true},
      {.name = "long", .about = "sections of a millisecond", .mutants = {"no_lock", "no_guard"}},
      {.name = "crowd",
       .about = "the words, by 64 threads",
       .mutants = {"no_lock", "no_guard"},
       .threads = 64},
      {.name = "plugins",
       .about = "a plug-in with handlers and guards of its own",
       .mutants = {"no_lock", "no_guard", "open_plugin"}},
      {.name = "ping_pong",
       .about = "two processes that wake each other",
       .mutants = {"late_sleep", "late_poll"},
       .threads = 1,
       .alone = true},
      {.name = "limit",
       .about = "as many real-time signals as may be queued",
       .mutants = {"no_guard", "loses_signals"},
       .threads = 1,
       .alone = true,
       .queues = true},
      {.name = "event_loop",
       .about = "numbers of another process through an event and epoll",
       .mutants = {"no_guard", "loses_signals"},
       .threads = 1,
       .alone = true,
       .queues = true},
      {.name = "waits",
       .about = "threads that sleep while handlers run on others",
       .mutants = {"late_sleep", "deaf_sleep"},
       .threads = 3,
       .alone = true,
       .others_take = true},
      {.name = "cancellation",
       .about = "threads that are cancelled in guards and system calls",
       .mutants = {"no_lock", "stays_open"},
       .threads = 4,
       .alone = true,
       .others_take = true,
       .unwinds = true},
      {.name = "stop_and_continue",
       .about = "a program that is stopped and continued while it holds",
       .mutants = {"no_guard", "stops_again"},
       .threads = 1,
       .alone = true,
       .others_take = true},
      {.name = "children",
       .about = "programs that start in guards, and a thief of statuses",
       .mutants = {"no_guard", "deaf_children"},
       .threads = 3,
       .alone = true,
       .others_take = true},
      {.name = "timers",
       .about = "timers that go off in holds, start again, stop and go",
       .mutants = {"no_lock", "no_guard"},
       .alone = true,
       .others_take = true},
  };
  return all;
}

namespace {

constexpr const char* own_source = "own";  // of scenarios that send by themselves

std::size_t place_of(const std::string& scenario) {
  const auto& all = scenario_kinds();
  return static_cast<std::size_t>(
      std::find_if(all.begin(), all.end(),
                   [&](const scenario_kind& each) { return each.name == scenario; }) -
      all.begin());
}

bool among(const std::string& name, const std::vector<std::string>& all) {
  return std::find(all.begin(), all.end(), name) != all.end();
}
bool chosen(const std::vector<std::string>& from, const std::string& name) {
  return from.empty() || among(name, from);
}

constexpr const char* one_of_each = "ThreadSanitizer keeps only one signal of a number";

/// Empty when it can be run here.
std::string why_unavailable(const scenario_kind& kind) {
  if (kind.name == "plugins" && plugin_path().empty())
    return fmt::format("{} is not beside the program", plugin_file);
  if (test::under_address_sanitizer && kind.unwinds)
    return "AddressSanitizer does not see that a cancelled thread has left its functions";
  if (!test::under_thread_sanitizer) return {};
  if (kind.queues) return one_of_each;
  if (kind.others_take)
    return "ThreadSanitizer delivers late what a thread does not send to itself";
  if (kind.has_children)
    return "ThreadSanitizer delivers to a child what was pending in its parent";
  return {};
}

/// The command that repeats a run. What is broken may be a backend of its own, which has no name
/// there.
std::string shell_line(const std::string& program, const cell& what, bool is_backend) {
  std::string line = fmt::format("{} --scenario {} --threads {} --seconds {} --seed {} --rate {}",
                                 program, what.scenario, what.threads, what.seconds, what.seed,
                                 what.rate == 0 ? "max" : std::to_string(what.rate));
  if (what.source != own_source) line += fmt::format(" --source {}", what.source);
  if (is_backend) line += fmt::format(" --backend {}", what.backend);
  if (!what.mutant.empty()) line += fmt::format(" --mutant {}", what.mutant);
  return line;
}

result sum_of(const std::vector<result>& all) {
  result sum;
  sum.runs = 0;
  for (const result& each : all) sum.add(each);
  return sum;
}

/// SIGINT, SIGTERM and the end of the terminal, until then. What the program was started to ignore,
/// as by nohup or in the background, it ignores.
class interruption {
 public:
  interruption() {
    listen(SIGINT, on_int_);
    listen(SIGTERM, on_term_);
    listen(SIGHUP, on_hup_);
  }
  [[nodiscard]] bool came() const noexcept { return came_.load(); }

 private:
  struct note {
    std::atomic<bool>* came;
    void operator()() const noexcept { came->store(true); }
  };
  using listener = std::optional<sigsafe::handler<note>>;

  void listen(int signal, listener& by) {
    struct sigaction found;
    sigaction(signal, nullptr, &found);
    if (found.sa_handler != SIG_IGN)
      by.emplace(signal, note{&came_}, sigsafe::handler_options{.restart = true});
  }

  std::atomic<bool> came_{false};
  listener on_int_, on_term_, on_hup_;
};

}  // namespace

/// One run of the program.
class session {
 public:
  session(const suite& with, const suite::mutants& mutants, const options& asked,
          std::string program)
      : suite_(with), mutants_(mutants), asked_(asked), program_(std::move(program)) {}

  int go() {
    if (asked_.list) return list();
    fmt::print("sigsafe-stress: seed {}\n", asked_.seed);
    leave_out_unavailable();
    if (asked_.self_test) return self_test();
    if (asked_.soak_hours > 0)
      soak();
    else
      for (const cell& each : plan(asked_.seed)) {
        if (interrupted_.came()) break;
        results_.push_back(perform(each));
      }
    return report();
  }

 private:
  using clock = std::chrono::steady_clock;
  static double seconds_since(clock::time_point start) {
    return std::chrono::duration<double>(clock::now() - start).count();
  }

  int list() const {
    fmt::print("scenarios:\n");
    for (const scenario_kind& each : scenario_kinds())
      fmt::print("  {:<18}{}; caught: {}\n", each.name, each.about, fmt::join(each.mutants, ", "));
    fmt::print("backends: {}\nsources: {}\nmutants:", fmt::join(suite_.order_, ", "),
               fmt::join(source_names(), ", "));
    for (const auto& each : mutants_) fmt::print(" {}", each.first);
    fmt::print("\n");
    return 0;
  }

  void leave_out_unavailable() {
    for (const std::string& name : source_names())
      leave_out("source", name, why_unavailable(name), asked_.sources, unavailable_sources_);
    for (const scenario_kind& kind : scenario_kinds())
      leave_out("scenario", kind.name, why_unavailable(kind), asked_.scenarios,
                unavailable_scenarios_);
    if (asked_.self_test && test::under_thread_sanitizer)
      leave_out("mutant", "repeats_signals", one_of_each, {}, unavailable_mutants_);
  }
  static void leave_out(const char* what, const std::string& name, const std::string& why,
                        const std::vector<std::string>& asked,
                        std::vector<std::string>& unavailable) {
    if (why.empty() || !chosen(asked, name)) return;
    unavailable.push_back(name);
    fmt::print("SKIPPED {} {}: {}\n", what, name, why);
  }

  [[nodiscard]] bool takes_part(const scenario_kind& kind) const {
    return chosen(asked_.scenarios, kind.name) && !among(kind.name, unavailable_scenarios_);
  }

  /// Without --source each scenario gets "mixed" and one other, in turns.
  std::vector<std::string> sources_of(const scenario_kind& kind, std::uint64_t turn) const {
    if (kind.alone) return {own_source};
    std::vector<std::string> all = asked_.sources;
    if (all.empty()) all = {"mixed", source_names()[turn % (source_names().size() - 1)]};
    if (kind.has_children) std::erase(all, "child");
    std::erase_if(all, [&](const std::string& name) { return among(name, unavailable_sources_); });
    return all;
  }

  std::vector<cell> plan(std::uint64_t seed) const {
    std::vector<cell> all;
    std::uint64_t turn = seed;
    for (const scenario_kind& kind : scenario_kinds()) {
      if (!takes_part(kind)) continue;
      for (const std::string& backend : backends_with(asked_.mutant)) {
        if (!chosen(asked_.backends, backend)) continue;
        if (make(asked_.mutant, backend, kind.name) == nullptr) continue;
        for (const std::string& source : sources_of(kind, turn++)) {
          cell one{.scenario = kind.name,
                   .backend = backend,
                   .source = source,
                   .mutant = asked_.mutant,
                   .threads = kind.threads,
                   .rate = asked_.rate,
                   .seed = seed + all.size()};
          if (asked_.threads != 0 && !kind.alone) one.threads = asked_.threads;
          if (asked_.seconds != 0) one.seconds = asked_.seconds;
          all.push_back(one);
        }
      }
    }
    std::vector<cell> mine;
    for (std::size_t i = asked_.shard - 1; i < all.size(); i += asked_.shards)
      mine.push_back(all[i]);
    return mine;
  }

  std::vector<std::string> backends_with(const std::string& mutant) const {
    if (mutant.empty()) return suite_.order_;
    std::vector<std::string> names;
    for (const auto& each : mutants_.at(mutant)) names.push_back(each.first);
    return names;
  }

  const factory* make(const std::string& mutant, const std::string& backend,
                      const std::string& scenario) const {
    const auto& from = mutant.empty() ? suite_.backends_ : mutants_.at(mutant);
    const auto found = from.find(backend);
    if (found == from.end()) return nullptr;
    const auto one = found->second.find(scenario);
    return one == found->second.end() ? nullptr : &one->second;
  }

  /// Runs one, with a line that is live on a terminal, and stays if it is asked to.
  result perform(const cell& what, bool line_stays = true) {
    const std::string name = fmt::format("{} {} {}{}{}", what.scenario, what.backend, what.source,
                                         what.mutant.empty() ? "" : " ", what.mutant);
    const auto started = clock::now();
    const auto line = [&](std::uint64_t operations, std::uint64_t signals) {
      fmt::print("{}{:<36}{:>5.1f} s {:>15} operations {:>13} signals", over_, name,
                 seconds_since(started), count_text(operations), count_text(signals));
    };
    result end = run_cell(what, *make(what.mutant, what.backend, what.scenario),
                          [&](const counters& so_far) {
                            if (terminal_) {
                              line(so_far.operations, so_far.delivered);
                              std::fflush(stdout);
                            }
                            return !interrupted_.came();
                          });
    end.repeat = shell_line(program_, what, suite_.backends_.count(what.backend) != 0);
    if (line_stays || end.ended != verdict::passed) {
      line(end.operations, end.delivered);
      fmt::print("  {}\n", end.ended == verdict::violated ? "VIOLATION" : name_of(end.ended));
    }
    std::fflush(stdout);
    return end;
  }

  /// Every scenario with every mutant that it must catch.
  std::vector<cell> plan_of_mutants() const {
    std::vector<cell> all;
    for (const scenario_kind& kind : scenario_kinds()) {
      if (!takes_part(kind)) continue;
      for (const std::string& mutant : kind.mutants) {
        if (among(mutant, unavailable_mutants_)) continue;
        for (const std::string& backend : backends_with(mutant))
          if (chosen(asked_.backends, backend))
            all.push_back({.scenario = kind.name,
                           .backend = backend,
                           .source = kind.alone ? own_source : "mixed",
                           .mutant = mutant,
                           .threads = kind.threads,
                           .seconds = asked_.seconds != 0 ? asked_.seconds : 1,
                           .seed = asked_.seed,
                           .patience = 1});
      }
    }
    return all;
  }

  int self_test() {
    unsigned survived = 0;
    unsigned caught = 0;
    for (const cell& each : plan_of_mutants()) {
      const result end = perform(each);
      if (interrupted_.came()) {
        fmt::print("self-test: {} caught, {} survived, interrupted\n", caught, survived);
        return 130;
      }
      const bool found = end.ended == verdict::violated;
      fmt::print("  {}: {}\n", found ? "caught" : "SURVIVED", end.violation);
      ++(found ? caught : survived);
    }
    fmt::print("self-test: {} caught, {} survived\n", caught, survived);
    return survived == 0 && caught > 0 ? 0 : 1;
  }

  /// Runs of the same become one line of the table. The first violation ends it.
  void soak() {
    const auto end = clock::now() + std::chrono::duration<double>(asked_.soak_hours * 3600);
    auto checkpoint = clock::now() + std::chrono::minutes(1);
    for (std::uint64_t round = 0;; ++round) {
      const std::vector<cell> cells = plan(asked_.seed + round * 1000);
      if (cells.empty()) return;
      for (const cell& each : cells) {
        if (clock::now() >= end || interrupted_.came()) return;
        result one = perform(each, false);
        const bool wrong = one.ended == verdict::violated;
        add(std::move(one));
        if (wrong) return;
        if (clock::now() < checkpoint) continue;
        checkpoint += std::chrono::minutes(1);
        print_checkpoint();
      }
    }
  }

  void add(result more) {
    const auto same = std::find_if(results_.begin(), results_.end(), [&](const result& each) {
      return each.of.scenario == more.of.scenario && each.of.backend == more.of.backend &&
             each.of.source == more.of.source && each.ended == more.ended;
    });
    if (same == results_.end())
      results_.push_back(std::move(more));
    else
      same->add(more);
  }

  void print_checkpoint() const {
    const result all = sum_of(results_);
    fmt::print("{}checkpoint: {:.0f} min, {} runs, {} operations, {} signals, no violation\n",
               over_, seconds_since(started_) / 60, count_text(all.runs),
               count_text(all.operations), count_text(all.delivered));
    std::fflush(stdout);
  }

  int report() {
    const double seconds = seconds_since(started_);
    if (results_.empty() && !interrupted_.came()) {
      fmt::print(stderr,
                 "sigsafe-stress: nothing of the plan is left to run; --list says what there is\n");
      return 2;
    }
    verdict all = interrupted_.came() ? verdict::interrupted : verdict::passed;
    for (const result& each : results_)
      if (each.ended == verdict::violated) all = verdict::violated;
    // A soak draws other sources in each round.
    std::stable_sort(results_.begin(), results_.end(), [](const result& one, const result& other) {
      return std::pair{place_of(one.of.scenario), one.of.backend} <
             std::pair{place_of(other.of.scenario), other.of.backend};
    });
    print_table(stdout, results_);
    print_delays(stdout, results_);
    if (!asked_.json_file.empty())
      write_file(asked_.json_file, json_of(results_, asked_, all, seconds));
    if (!asked_.junit_file.empty()) write_file(asked_.junit_file, junit_of(results_, seconds));
    const auto violations = std::count_if(results_.begin(), results_.end(), [](const result& each) {
      return each.ended == verdict::violated;
    });
    const unsigned runs = sum_of(results_).runs;
    fmt::print("sigsafe-stress: {} {} in {:.0f} s, {}{}\n", count_text(runs),
               runs == 1 ? "run" : "runs", seconds,
               violations == 0 ? "no violation" : fmt::format("{} with a VIOLATION", violations),
               interrupted_.came() ? ", interrupted" : "");
    return all == verdict::violated ? 1 : all == verdict::interrupted ? 130 : 0;
  }

  const suite& suite_;
  const suite::mutants& mutants_;
  const options& asked_;
  const std::string program_;
  const bool terminal_ = isatty(STDOUT_FILENO) != 0;
  const char* const over_ = terminal_ ? "\r\x1b[K" : "";  // the line that is there
  const clock::time_point started_ = clock::now();
  std::vector<std::string> unavailable_sources_, unavailable_scenarios_, unavailable_mutants_;
  interruption interrupted_;
  std::vector<result> results_;
};

int suite::run(int argc, const char* const* argv) {
  choices known;
  for (const scenario_kind& each : scenario_kinds()) known.scenarios.push_back(each.name);
  known.backends = order_;
  known.sources = source_names();
  mutants broken;
  add_guardless_mutants(broken);
  add_eager_mutants(broken);
  add_lazy_mutants(broken);
  for (const auto& each : broken) known.mutants.push_back(each.first);
  const auto parsed = parse(argc, argv, known);
  if (const int* status = std::get_if<int>(&parsed)) return *status;
  // Ignored, children could not be waited for.
  ::signal(SIGCHLD, SIG_DFL);
  test::note_a_full_signal_queue();
  try {
    return session{*this, broken, std::get<options>(parsed), argv[0]}.go();
  } catch (const std::exception& error) {
    fmt::print(stderr, "sigsafe-stress: {}\n", error.what());
    return 3;
  }
}

}  // namespace stress
