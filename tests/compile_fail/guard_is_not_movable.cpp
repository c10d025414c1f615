// expect-gcc: use of deleted function .*basic_guard\(const
// expect-clang: call to deleted constructor
#include <utility>
#include <sigsafe/guard.hpp>

int main() {
  sigsafe::guard off;
#if defined(SIGSAFE_COMPILE_FAIL)
  const sigsafe::guard moved = std::move(off);
#endif
}
