// What a thread knows about its interrupts; one object a thread, once in a process.
//
//   depth      nesting of guards that end in reverse order; each keeps the outer value in itself
//   count      live owners that may end in any order: mutex locks, borrows, eager guards
//   hard       how many of all those are eager, plus one while user handlers run
//   deferred   0, or the stamp of the process in which a signal was deferred on this thread
//   added      the signals that sigsafe added to the kernel's mask and must take out again
//   running    the handlers that run on this thread now, innermost first
//   info       the deferred signal; one is enough, because a deferral blocks the whole maskable set
//
// State table (idle: depth, count and hard are 0; held: depth or count is not):
//
//   held  deferred  the kernel's mask             what a signal does that comes through
//   no    0         the program's own             its handlers run
//   yes   0         the program's own, or, with   it is recorded in info, deferred is set, the mask
//                   hard, the maskable set too    closes
//   any   stamp     closed, unless a foreign      it is queued again behind the closed mask
//                   handler's return opened it
//
// A handler may interrupt any load-modify-store below. It leaves depth, count and hard as it found
// them, so the store that follows loses nothing; deferred and added, which a handler does change,
// are never computed from a value loaded before.
#pragma once

#include <signal.h>

#include <cstdint>

#include <sigsafe/detail/export.hpp>
#include <sigsafe/detail/relaxed.hpp>
#include <sigsafe/signal_set.hpp>

namespace sigsafe::detail {

struct running_handler;

struct thread_state {
  relaxed<unsigned> depth;
  relaxed<unsigned> count;
  relaxed<unsigned> hard;
  relaxed<std::uint32_t> deferred;
  relaxed<std::uint64_t> added;
  relaxed<running_handler*> running;
  siginfo_t info;

  SIGSAFE_NO_UBSAN bool held() const noexcept { return (depth.load() | count.load()) != 0; }
  SIGSAFE_NO_UBSAN bool idle() const noexcept { return !held() && hard.load() == 0; }
  SIGSAFE_NO_UBSAN bool has_deferred() const noexcept { return deferred.load() != 0; }
};

// Initial-exec and constinit: a first touch, also one in a handler, is an address and no call. The
// definition, in deferral.cpp, is a unique symbol: shared objects that each link the static
// library still share one state a thread.
extern constinit thread_local thread_state this_thread asm("sigsafe_abi1_this_thread") SIGSAFE_API
    __attribute__((tls_model("initial-exec")));

/// The same for code that is not inlined into the user's: see SIGSAFE_NO_UBSAN for the detour.
inline thread_state& current_thread() noexcept {
  thread_state* thread = &this_thread;
  asm("" : "+r"(thread));
  return *thread;
}

/// Blocks the maskable set; what was not blocked before goes into added. Returns the mask before.
SIGSAFE_API signal_set close_mask() noexcept;

/// The end of an owner on a thread that has deferred a signal: dispatches it when nothing is held.
SIGSAFE_API void dispatch_deferred() noexcept;

/// The end of the last eager owner: opens the mask, or leaves that to whoever ends last.
SIGSAFE_API void end_of_eager() noexcept;

}  // namespace sigsafe::detail
