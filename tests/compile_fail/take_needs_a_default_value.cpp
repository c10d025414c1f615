// expect-gcc: no matching function for call to .*take
// expect-clang: invalid reference to function 'take'
// expect: constraints not satisfied
#include <sigsafe/ref_cell.hpp>

namespace {

struct no_default {
  explicit no_default(int) {}
};

}  // namespace

int main() {
  sigsafe::ref_cell<int> good{0};
  good.take();
#if defined(SIGSAFE_COMPILE_FAIL)
  sigsafe::ref_cell<no_default> bad{no_default{1}};
  bad.take();
#endif
}
