// expect-gcc: ignoring return
// expect-clang: ignoring return value
#include <sigsafe/mutex.hpp>

int main() {
  sigsafe::mutex<int> shared{0};
  const auto locked = shared.lock();
#if defined(SIGSAFE_COMPILE_FAIL)
  shared.lock();
#endif
}
