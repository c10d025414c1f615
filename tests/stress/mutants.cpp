// The scenarios on kits that are broken: what each must notice.
#include <tests/stress/suite.hpp>

namespace stress {

// Only the scenarios that catch it are built with a mutant (see scenario_kinds).
std::map<std::string, suite::by_scenario> suite::make_mutants() {
  using sigsafe::backend::posix;
  std::map<std::string, by_scenario> all;

  using without_guard = kit<no_guard>;
  add_workers<shared_words<without_guard>>(all["no_guard"], "words");
  add_workers<ring<without_guard>>(all["no_guard"], "ring");
  add_workers<free_list<without_guard>>(all["no_guard"], "free_list");
  add_workers<text<without_guard>>(all["no_guard"], "text");
  add_workers<local_words<without_guard>>(all["no_guard"], "cell");
  add_workers<mixture<without_guard>>(all["no_guard"], "mixture");
  add_workers<condition<without_guard>>(all["no_guard"], "condition");
  add_workers<long_sections<without_guard>>(all["no_guard"], "long");

  using without_lock = kit<posix, no_lock>;
  add_workers<shared_words<without_lock>>(all["no_lock"], "words");
  add_workers<shared_words<without_lock>>(all["no_lock"], "crowd");
  add_workers<ring<without_lock>>(all["no_lock"], "ring");
  add_workers<free_list<without_lock>>(all["no_lock"], "free_list");
  add_workers<text<without_lock>>(all["no_lock"], "text");
  add_workers<condition<without_lock>>(all["no_lock"], "condition");
  add_workers<forks<without_lock>>(all["no_lock"], "forks");

  // As if it promised that owners may end in any order.
  add_workers<any_order<kit<test::flat_backend>>>(all["flat"], "any_order");
  add_workers<churn<kit<posix, sigsafe::default_raw_lock, true>>>(all["ends_early"], "churn");
  add_alone<ping_pong<kit<test::opens_then_sleeps>>>(all["late_sleep"], "ping_pong");
  add_alone<queue_limit<kit<loses_signals>>>(all["loses_signals"], "limit");
  return all;
}

}  // namespace stress
