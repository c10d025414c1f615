// expect-gcc: use of deleted function .*mutex\(const
// expect-clang: call to deleted constructor
#include <sigsafe/mutex.hpp>

int main() {
  sigsafe::mutex<int> one{0};
  *one.lock() = 1;
#if defined(SIGSAFE_COMPILE_FAIL)
  sigsafe::mutex<int> two = one;
#endif
}
