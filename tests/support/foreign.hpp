// Handlers that sigsafe knows nothing of: one that counts, and one that calls what it has found.
#pragma once

#include <signal.h>

#include <atomic>

#include <tests/support/child.hpp>

namespace test {

inline std::atomic<int> foreign_calls{0};
inline void count_foreign(int) { ++foreign_calls; }

inline struct sigaction found_by_foreign;
inline void foreign_that_chains(int signal, siginfo_t* info, void* context) {
  ++foreign_calls;
  if ((found_by_foreign.sa_flags & SA_SIGINFO) != 0)
    found_by_foreign.sa_sigaction(signal, info, context);
}

inline void install_foreign_that_chains(int signal) {
  struct sigaction action{};
  action.sa_sigaction = foreign_that_chains;
  action.sa_flags = SA_SIGINFO;
  sigfillset(&action.sa_mask);
  CHILD_REQUIRE(sigaction(signal, &action, &found_by_foreign) == 0);
}

}  // namespace test
