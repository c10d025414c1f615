// The scenarios on kits that are broken: what each must notice (see scenario_kinds). Only those
// that do are built, as each takes a second to compile; for the same reason a file for each
// backend.
#pragma once

#include <tests/stress/suite.hpp>

namespace stress {

template <class B, class Flat>
void suite::add_mutants_of(mutants& all, const std::string& backend) {
  using without_lock = kit<B, no_lock>;
  by_scenario& no_lock = all["no_lock"][backend];
  add_workers<shared_words<without_lock>>(no_lock, "words");
  add_workers<shared_words<without_lock>>(no_lock, "crowd");
  add_workers<ring<without_lock>>(no_lock, "ring");
  add_workers<free_list<without_lock>>(no_lock, "free_list");
  add_workers<text<without_lock>>(no_lock, "text");
  add_workers<any_order<without_lock>>(no_lock, "any_order");
  add_workers<condition<without_lock>>(no_lock, "condition");
  add_workers<contention<without_lock>>(no_lock, "contention");
  add_workers<forks<without_lock>>(no_lock, "forks");
  add_workers<long_sections<without_lock>>(no_lock, "long");

  add_workers<plugins<without_lock>>(no_lock, "plugins");
  add_workers<plugins<with_open_plugin<B>>>(all["open_plugin"][backend], "plugins");

  add_workers<contention<kit<B, deaf_lock>>>(all["deaf"][backend], "contention");

  // As if it promised that holds may be released in any order.
  add_workers<any_order<kit<Flat>>>(all["flat"][backend], "any_order");
  add_workers<churn<kit<B, sigsafe::default_raw_lock, true>>>(all["ends_early"][backend], "churn");
  add_workers<shared_words<kit<loses_signals<B>>>>(all["loses_signals"][backend], "words");
  add_alone<event_loop<kit<loses_signals<B>>>>(all["loses_signals"][backend], "event_loop");
  add_alone<queue_limit<kit<loses_signals<B>>>>(all["loses_signals"][backend], "limit");
  add_workers<shared_words<kit<repeats_signals<B>>>>(all["repeats_signals"][backend], "words");
  add_workers<shared_words<kit<test::never_opens<B>>>>(all["never_opens"][backend], "words");
  add_alone<ping_pong<kit<test::opens_then_sleeps<B>>>>(all["late_sleep"][backend], "ping_pong");
  add_alone<waits<kit<test::opens_then_sleeps<B>>>>(all["late_sleep"][backend], "waits");
  add_alone<ping_pong<kit<late_poll<B>>>>(all["late_poll"][backend], "ping_pong");
  add_alone<stop_and_continue<kit<stops_again<B>>>>(all["stops_again"][backend],
                                                    "stop_and_continue");
  add_alone<children<deaf_children<B>>>(all["deaf_children"][backend], "children");
  add_alone<cancellation<without_lock>>(no_lock, "cancellation");
  add_alone<timers<without_lock>>(no_lock, "timers");
  add_alone<cancellation<kit<stays_open<B>>>>(all["stays_open"][backend], "cancellation");
}

}  // namespace stress
