#include <signal.h>

#include <sigsafe/sigsafe.hpp>

namespace {

constinit sigsafe::mutex<int> shared{0};
constinit thread_local sigsafe::ref_cell<int> local{0};

}  // namespace

int main() {
  const sigsafe::handler on_usr1{SIGUSR1, [](const sigsafe::signal_info&) noexcept {
                                   *shared.lock() += 1;
                                   *local.borrow_mut() += 1;
                                 }};
  {
    const sigsafe::guard off;
    raise(SIGUSR1);
    if (*shared.lock() != 0) return 1;
  }
  return *shared.lock() == 1 && *local.borrow() == 1 ? 0 : 1;
}
