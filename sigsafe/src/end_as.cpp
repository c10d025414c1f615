// What a supervisor does about itself.
#include <sigsafe/process.hpp>

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <system_error>

#include <sigsafe/exit_status.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/system/programs.hpp>

namespace sigsafe {

void become_subreaper() {
  if (const int error = detail::system::become_subreaper(); error != 0)
    throw std::system_error(error, std::generic_category(),
                            "sigsafe: this process cannot become a subreaper: it needs Linux 3.4 "
                            "or newer");
}

void end_as(exit_status end) noexcept {
  if (!end.signalled()) std::exit(end.exited() ? end.code() : 1);
  const int signal = end.signal();
  detail::system::forgo_core_file();
  struct sigaction standard{};
  standard.sa_handler = SIG_DFL;
  sigaction(signal, &standard, nullptr);  // SIGKILL has no other
  const sigset_t only = signal_set{signal}.native();
  pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  raise(signal);
  _exit(128 + signal);
}

}  // namespace sigsafe
