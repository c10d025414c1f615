// expect-gcc: constraints not satisfied|constraint failure
// expect-clang: constraints not satisfied
// expect: watchable
#include <sigsafe/checked.hpp>
#include <sigsafe/mutex.hpp>

int main() {
  sigsafe::raw_mutex<sigsafe::watched<sigsafe::futex_lock>> good;
  good.lock();
  good.unlock();
#if defined(SIGSAFE_COMPILE_FAIL)
  sigsafe::watched<sigsafe::raw_mutex<>> bad;
#endif
}
