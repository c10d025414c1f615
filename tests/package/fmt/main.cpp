// Prints in a handler.
#include <sigsafe/format.hpp>
#include <sigsafe/handler.hpp>

#include <signal.h>
#include <unistd.h>

int main() {
  int error = -1;
  const sigsafe::handler on_usr1{SIGUSR1, [&](const sigsafe::signal_info& info) noexcept {
                                   error = sigsafe::print(STDOUT_FILENO, "{}, {:.2f}\n", info, 1.5);
                                 }};
  raise(SIGUSR1);
  return error;
}
