// only-clang
// expect: mutex 'lock' is still held at the end of function
#include <sigsafe/mutex.hpp>

namespace {

sigsafe::raw_mutex<> lock;

}  // namespace

int main() {
  lock.lock();
  lock.unlock();
#if defined(SIGSAFE_COMPILE_FAIL)
  lock.lock();
#endif
}
