// expect-gcc: constraints not satisfied|constraint failure
// expect-clang: constraints not satisfied
// expect: raw_lock
#include <sigsafe/mutex.hpp>

namespace {

struct not_a_lock {
  void lock() {}
  void unlock() {}
};

}  // namespace

int main() {
  sigsafe::raw_mutex<sigsafe::spinlock> good;
  good.lock();
  good.unlock();
#if defined(SIGSAFE_COMPILE_FAIL)
  sigsafe::raw_mutex<not_a_lock> bad;
#endif
}
