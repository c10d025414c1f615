// only-clang
// flags: -Wthread-safety
// expect: requires holding mutex 'lock'
#include <sigsafe/mutex.hpp>

namespace {

struct __attribute__((scoped_lockable)) scoped {
  explicit scoped(sigsafe::raw_mutex<>& wanted) __attribute__((acquire_capability(wanted)))
      : mutex(wanted) {
    mutex.lock();
  }
  ~scoped() __attribute__((release_capability())) { mutex.unlock(); }
  sigsafe::raw_mutex<>& mutex;
};

sigsafe::raw_mutex<> lock;
int counter __attribute__((guarded_by(lock))) = 0;

}  // namespace

int main() {
  {
    const scoped locked{lock};
    ++counter;
  }
  if (lock.try_lock()) {
    ++counter;
    lock.unlock();
  }
#if defined(SIGSAFE_COMPILE_FAIL)
  if (!lock.try_lock())
    ++counter;
  else
    lock.unlock();
#endif
}
