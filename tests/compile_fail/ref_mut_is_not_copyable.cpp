// expect-gcc: use of deleted function
// expect-clang: call to (deleted|implicitly-deleted copy) constructor
// expect: ref_mut
#include <sigsafe/ref_cell.hpp>

int main() {
  sigsafe::ref_cell<int> cell{0};
  auto borrowed = cell.borrow_mut();
#if defined(SIGSAFE_COMPILE_FAIL)
  auto copy = borrowed;
#endif
}
