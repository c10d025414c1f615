// What a thread knows about its interrupts; one object for each thread, defined once in a process.
//
//   held       live holds: guards, locks, borrows, lazy and eager, released in any order
//   eager      how many of these are eager, plus one while handlers run or a release dispatches
//   deferred   0, or the generation of the process in which a signal was deferred on this thread
//   resumed    holds of handlers that interrupted a release which has yet to dispatch (rule 5)
//   added      the signals that sigsafe added to the kernel's mask and must take out again
//   called     signals for which other code called sigsafe's handler while the thread was held
//   named      the signals that live subset guards name; namers counts the guards for each
//   running    the handlers that run on this thread now, innermost first
//   seen       the count of arrivals at the last return of this thread's wait
//   place      where the thread is registered as a sleeper, or null (src/sleepers.hpp)
//   id         this thread's number, known in the process of the generation id_of
//   continued  the count of SIGCONTs at the deferral (src/stops.hpp)
//   info       the deferred signal; one is enough, because a deferral closes the mask
//   sleep_goes_on  1 when a signal that is not deferrable interrupted this thread's sleep (rule 16)
//   watched    its end is watched: it gives back what it has deferred then (src/thread_end.cpp)
//   discarders live discard guards for SIGPIPE and for SIGXFSZ
//   found      0, or the process in which one of these was pending when the first such guard began
//   maker      0, or which of the threads that have made a signal_fd this is
//   aside      what added was when the sleep, or the call of open, in which the thread is began
//
// State table (held and eager as above):
//
//   held  deferred    the kernel's mask              what a signal does that comes through
//   0     0           the program mask               its handlers run
//   > 0   0           the program mask, or, with     it is recorded in info, deferred is set, the
//                     eager, the maskable set too    maskable set is blocked
//   any   generation  the maskable set is blocked,   it is queued again, and the maskable set is
//                     unless a foreign handler's     blocked again
//                     return unblocked it
//
// A handler may interrupt any load-modify-store below. It leaves held, eager, resumed, named and
// namers as it found them, so the store that follows loses nothing; deferred and added, which a
// handler does change, are changed by single instructions or with the mask closed.
#pragma once

#include <sigsafe/config.hpp>

#include <signal.h>

#include <cstdint>

#include <sigsafe/detail/relaxed.hpp>

namespace sigsafe::detail {

struct running_handler;

struct thread_state {
  relaxed<std::uint32_t> held;
  relaxed<std::uint32_t> eager;
  relaxed<std::uint32_t> deferred;
  relaxed<std::uint32_t> resumed;
  relaxed<std::uint64_t> added;
  relaxed<std::uint64_t> called;
  relaxed<std::uint64_t> named;
  relaxed<std::uint32_t> seen;
  relaxed<std::uint32_t> id;
  relaxed<std::uint32_t> id_of;
  relaxed<std::uint32_t> continued;
  relaxed<running_handler*> running;
  relaxed<const void*> place;
  relaxed<std::uint32_t> namers[64];
  siginfo_t info;
  relaxed<std::uint32_t> sleep_goes_on;
  relaxed<std::uint32_t> watched;
  relaxed<std::uint32_t> discarders[2];
  relaxed<std::uint32_t> found[2];
  relaxed<std::uint32_t> maker;
  alignas(8) relaxed<std::uint64_t> aside;  // on i386 it would not be by itself

  SIGSAFE_NO_UBSAN bool idle() const noexcept { return held.load() == 0 && eager.load() == 0; }
  SIGSAFE_NO_UBSAN bool has_deferred() const noexcept { return deferred.load() != 0; }

  /// The first hold of a thread that has deferred a signal: a handler has interrupted a release,
  /// which dispatches when this handler has returned (rule 5). In line, because a call, even one
  /// that never happens, costs the caller the registers that it keeps across it.
  SIGSAFE_NO_UBSAN void note_resumed() noexcept {
    if (has_deferred() && idle()) [[unlikely]]
      resumed.increment();
  }
};

// Initial-exec and constinit: a first touch, also one in a handler, computes an address and calls
// nothing. src/abi.S defines it as a unique symbol: shared objects that each link the static
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
