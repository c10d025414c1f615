// expect-gcc: discards qualifiers
// expect-clang: has type .const sigsafe::ref_cell<int>., but (method|function) is not marked const
#include <sigsafe/ref_cell.hpp>

int main() {
  const sigsafe::ref_cell<int> cell{0};
  const auto shared = cell.borrow();
#if defined(SIGSAFE_COMPILE_FAIL)
  const auto exclusive = cell.borrow_mut();
#endif
}
