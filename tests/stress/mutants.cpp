// The scenarios on kits that are broken: what each must notice.
#include <tests/stress/suite.hpp>

namespace stress {

std::map<std::string, suite::by_scenario> suite::make_mutants() {
  using sigsafe::backend::posix;
  std::map<std::string, by_scenario> all;
  add_to(all["no_guard"], static_cast<kit<no_guard>*>(nullptr));
  add_to(all["no_lock"], static_cast<kit<posix, no_lock>*>(nullptr));
  add_to(all["late_sleep"], static_cast<kit<test::opens_then_sleeps>*>(nullptr));
  add_to(all["loses_signals"], static_cast<kit<loses_signals>*>(nullptr));
  add_to(all["ends_early"], static_cast<kit<posix, sigsafe::default_raw_lock, true>*>(nullptr));
  // As if it promised that owners may end in any order.
  add_workers<any_order<kit<test::flat_backend>>>(all["flat"], "any_order");
  return all;
}

}  // namespace stress
