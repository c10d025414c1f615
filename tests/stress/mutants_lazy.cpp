#include <tests/stress/mutants.hpp>

namespace stress {

void suite::add_lazy_mutants(mutants& all) {
  add_mutants_of<sigsafe::backend::lazy, flat_lazy>(all, "lazy");
}

}  // namespace stress
