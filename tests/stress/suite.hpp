// The scenarios, on the backends that are registered. A program with a lock or a backend of its own
// registers it and runs the same suite:
//
//   int main(int argc, char** argv) {
//     stress::suite all;
//     all.add<stress::kit<my_backend, my_lock>>("mine");
//     return all.run(argc, argv);
//   }
#pragma once

#include <map>
#include <string>
#include <vector>

#include <tests/stress/cancellation.hpp>
#include <tests/stress/children.hpp>
#include <tests/stress/performance.hpp>
#include <tests/stress/plugins.hpp>
#include <tests/stress/events.hpp>
#include <tests/stress/stop_and_continue.hpp>
#include <tests/stress/timers.hpp>
#include <tests/stress/waits.hpp>

namespace stress {

/// What is said of a scenario in lists, and how it is run when nothing else is asked for.
struct scenario_kind {
  std::string name;
  std::string about;
  std::vector<std::string> mutants;  ///< which it must catch
  unsigned threads = 2;
  bool alone = false;         ///< it sends by itself
  bool has_children = false;  ///< of its own, which the source "child" would reap
  bool queues = false;        ///< it needs each signal that it sends, also of one number
  bool others_take = false;   ///< its signals are for threads that do not send them
  bool unwinds = false;       ///< its threads are cancelled
};
[[nodiscard]] const std::vector<scenario_kind>& scenario_kinds();

class suite {
 public:
  /// Registers a backend, or a lock with a backend, under a name for tables and --backend.
  template <class Kit>
  void add(const std::string& name) {
    add_to<Kit>(backends_[name]);
    order_.push_back(name);
  }

  /// Runs what the arguments ask for, as sigsafe-stress does; returns the exit status.
  int run(int argc, const char* const* argv);

 private:
  using by_scenario = std::map<std::string, factory>;
  friend class session;

  template <class Kit>
  static void add_to(by_scenario& to) {
    add_workers<shared_words<Kit>>(to, "words");
    add_workers<shared_words<Kit>>(to, "crowd");
    add_workers<ring<Kit>>(to, "ring");
    add_workers<free_list<Kit>>(to, "free_list");
    add_workers<text<Kit>>(to, "text");
    add_workers<local_words<Kit>>(to, "cell");
    // Backends that keep the saved state in the hold promise less.
    if constexpr (sigsafe::counting_backend<typename Kit::backend>)
      add_workers<any_order<Kit>>(to, "any_order");
    add_workers<mixture<Kit>>(to, "mixture");
    add_workers<condition<Kit>>(to, "condition");
    add_workers<contention<Kit>>(to, "contention");
    add_workers<churn<Kit>>(to, "churn");
    add_workers<forks<Kit>>(to, "forks");
    add_workers<long_sections<Kit>>(to, "long");
    add_workers<plugins<Kit>>(to, "plugins");
    add_alone<ping_pong<Kit>>(to, "ping_pong");
    add_alone<queue_limit<Kit>>(to, "limit");
    add_alone<event_loop<Kit>>(to, "event_loop");
    add_alone<waits<Kit>>(to, "waits");
    add_alone<cancellation<Kit>>(to, "cancellation");
    add_alone<stop_and_continue<Kit>>(to, "stop_and_continue");
    add_alone<children<Kit>>(to, "children");
    add_alone<timers<Kit>>(to, "timers");
  }
  template <class Scenario>
  static void add_workers(by_scenario& to, const char* name) {
    to[name].with_workers = [] { return std::make_unique<Scenario>(); };
  }
  template <class Scenario>
  static void add_alone(by_scenario& to, const char* name) {
    to[name].alone = [] { return std::make_unique<Scenario>(); };
  }
  using mutants = std::map<std::string, std::map<std::string, by_scenario>>;  // and by backend
  template <class B, class Flat>
  static void add_mutants_of(mutants& all, const std::string& backend);
  static void add_guardless_mutants(mutants& all);
  static void add_eager_mutants(mutants& all);
  static void add_lazy_mutants(mutants& all);

  std::map<std::string, by_scenario> backends_;
  std::vector<std::string> order_;
};

}  // namespace stress
