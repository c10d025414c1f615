// What a thread knows about its interrupts; one object for each thread, defined once in a process.
//
//   depth      live guards of the lazy backend; each keeps the depth before it as its saved state
//   count      live holds that may be released in any order: mutex locks, borrows, eager guards
//   eager      how many of all these are eager, plus one while user handlers run
//   deferred   0, or the generation of the process in which a signal was deferred on this thread
//   added      the signals that sigsafe added to the kernel's mask and must take out again
//   running    the handlers that run on this thread now, innermost first
//   info       the deferred signal; one is enough, because a deferral blocks the whole maskable set
//
// State table (held: depth or count is not 0; idle: not held, and eager is 0):
//
//   held  deferred    the kernel's mask              what a signal does that comes through
//   no    0           the program mask               its handlers run
//   yes   0           the program mask, or, with     it is recorded in info, deferred is set, the
//                     eager, the maskable set too    maskable set is blocked
//   any   generation  the maskable set is blocked,   it is queued again, and the maskable set is
//                     unless a foreign handler's     blocked again
//                     return unblocked it
//
// A handler may interrupt any load-modify-store below. It leaves depth, count and eager as it found
// them, so the store that follows loses nothing; deferred and added, which a handler does change,
// are never computed from a value loaded before.
#pragma once

#include <sigsafe/config.hpp>

#include <signal.h>

#include <cstdint>

#include <sigsafe/detail/relaxed.hpp>

namespace sigsafe::detail {

struct running_handler;

struct thread_state {
  relaxed<unsigned> depth;
  relaxed<unsigned> count;
  relaxed<unsigned> eager;
  relaxed<std::uint32_t> deferred;
  relaxed<std::uint64_t> added;
  relaxed<running_handler*> running;
  siginfo_t info;

  SIGSAFE_NO_UBSAN bool held() const noexcept { return (depth.load() | count.load()) != 0; }
  SIGSAFE_NO_UBSAN bool idle() const noexcept { return !held() && eager.load() == 0; }
  SIGSAFE_NO_UBSAN bool has_deferred() const noexcept { return deferred.load() != 0; }
};

// Initial-exec and constinit: a first touch, also one in a handler, computes an address and calls
// nothing. src/abi.cpp defines it as a unique symbol: shared objects that each link the static
// library still share one state for each thread.
extern constinit thread_local thread_state this_thread asm("sigsafe_abi1_this_thread") SIGSAFE_API
    __attribute__((tls_model("initial-exec")));

/// The same for code that is not inlined into the user's: see SIGSAFE_NO_UBSAN for the detour.
inline thread_state& current_thread() noexcept {
  thread_state* thread = &this_thread;
  asm("" : "+r"(thread));
  return *thread;
}

}  // namespace sigsafe::detail
