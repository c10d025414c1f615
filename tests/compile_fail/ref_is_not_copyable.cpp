// expect-gcc: use of deleted function
// expect-clang: call to (deleted|implicitly-deleted copy) constructor
// expect: ref
#include <sigsafe/ref_cell.hpp>

int main() {
  sigsafe::ref_cell<int> cell{0};
  const auto borrowed = cell.borrow();
  const auto clone = borrowed.clone();
#if defined(SIGSAFE_COMPILE_FAIL)
  const auto copy = borrowed;
#endif
}
