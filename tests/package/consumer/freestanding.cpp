// As a kernel compiles it: without a C library, exceptions and run-time types.
#include <sigsafe/guard.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/ref_cell.hpp>

void sigsafe::panic(const panic_info&) noexcept {
  for (;;) {}
}

namespace {

constinit sigsafe::mutex<int, sigsafe::spinlock> shared{0};
constinit sigsafe::ref_cell<int> local{0};

}  // namespace

int next() {
  const sigsafe::guard off;
  *local.borrow_mut() += 1;
  return *shared.lock() += *local.borrow();
}
