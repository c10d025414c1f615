// expect-gcc: use of deleted function
// expect-clang: call to (deleted|implicitly-deleted copy) constructor
// expect: mutex_guard
#include <sigsafe/mutex.hpp>

int main() {
  sigsafe::mutex<int> shared{0};
  auto locked = shared.lock();
#if defined(SIGSAFE_COMPILE_FAIL)
  auto copy = locked;
#endif
}
