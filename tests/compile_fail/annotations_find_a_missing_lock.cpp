// only-clang
// expect: requires holding mutex 'lock'
#include <sigsafe/mutex.hpp>

namespace {

sigsafe::raw_mutex<> lock;
int counter __attribute__((guarded_by(lock))) = 0;

}  // namespace

int main() {
  lock.lock();
  ++counter;
  lock.unlock();
#if defined(SIGSAFE_COMPILE_FAIL)
  ++counter;
#endif
}
