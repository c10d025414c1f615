// expect-gcc: assignment of read-only location
// expect-clang: cannot assign to return value
#include <sigsafe/ref_cell.hpp>

int main() {
  sigsafe::ref_cell<int> cell{0};
  *cell.borrow_mut() = 1;
#if defined(SIGSAFE_COMPILE_FAIL)
  *cell.borrow() = 1;
#endif
}
