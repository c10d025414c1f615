#include <sigsafe/backend/posix.hpp>

#include <tests/stress/mutants.hpp>

namespace stress {

void suite::add_eager_mutants(mutants& all) {
  add_mutants_of<sigsafe::backend::posix, test::flat_backend>(all, "eager");
  // It sleeps as sigsuspend does: only what its own thread handles wakes it.
  add_alone<waits<kit<test::flat_backend>>>(all["deaf_sleep"]["eager"], "waits");
}

// Without a guard there is no backend either.
void suite::add_guardless_mutants(mutants& all) {
  using without_guard = kit<no_guard>;
  by_scenario& no_guard = all["no_guard"]["none"];
  add_workers<shared_words<without_guard>>(no_guard, "words");
  add_workers<shared_words<without_guard>>(no_guard, "crowd");
  add_workers<ring<without_guard>>(no_guard, "ring");
  add_workers<free_list<without_guard>>(no_guard, "free_list");
  add_workers<text<without_guard>>(no_guard, "text");
  add_workers<local_words<without_guard>>(no_guard, "cell");
  add_workers<any_order<without_guard>>(no_guard, "any_order");
  add_workers<mixture<without_guard>>(no_guard, "mixture");
  add_workers<condition<without_guard>>(no_guard, "condition");
  add_workers<contention<without_guard>>(no_guard, "contention");
  add_workers<churn<without_guard>>(no_guard, "churn");
  add_workers<forks<without_guard>>(no_guard, "forks");
  add_workers<long_sections<without_guard>>(no_guard, "long");
  add_workers<plugins<without_guard>>(no_guard, "plugins");
  add_alone<event_loop<without_guard>>(no_guard, "event_loop");
  add_alone<queue_limit<without_guard>>(no_guard, "limit");
  add_alone<stop_and_continue<without_guard>>(no_guard, "stop_and_continue");
  add_alone<children<without_guard>>(no_guard, "children");
  add_alone<timers<without_guard>>(no_guard, "timers");
}

}  // namespace stress
