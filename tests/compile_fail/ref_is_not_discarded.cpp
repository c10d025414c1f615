// expect-gcc: ignoring return
// expect-clang: ignoring return value
#include <sigsafe/ref_cell.hpp>

int main() {
  sigsafe::ref_cell<int> cell{0};
  const auto borrowed = cell.borrow();
#if defined(SIGSAFE_COMPILE_FAIL)
  cell.borrow();
#endif
}
