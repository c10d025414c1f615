// expect-gcc: no matching function for call to .*lock_shared
// expect-clang: (invalid reference to function|no matching member function).*lock_shared
// expect: constraints not satisfied
#include <shared_mutex>
#include <sigsafe/mutex.hpp>

int main() {
  sigsafe::raw_mutex<std::shared_mutex> shared;
  shared.lock_shared();
  shared.unlock_shared();
#if defined(SIGSAFE_COMPILE_FAIL)
  sigsafe::raw_mutex<sigsafe::futex_lock> exclusive;
  exclusive.lock_shared();
#endif
}
