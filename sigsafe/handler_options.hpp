// How a handler wants to be called.
#pragma once

#include <sigsafe/config.hpp>

#include <sigsafe/thread_id.hpp>

namespace sigsafe {

/// What a signal meets when its last handler has been destroyed.
enum class at_end {
  restore,  ///< the disposition that stood there before
  ignore,   ///< nothing: those that are pending and those that come later are dropped
};

/// How a handler wants to be called. Written by name, in alphabetical order:
/// {.chain = true, .restart = true}.
struct handler_options {
  /// The kernel calls the handlers of this signal on the thread's alternate stack, where it has one
  /// (sigaltstack). It does so by itself when a function is chained to that wanted it.
  bool alternate_stack = false;
  /// What later signals meet. `restore`: the disposition before the first handler, which is often
  /// to be killed: by a timer that still runs when main returns, or between the two halves of an
  /// assignment or an optional::emplace. `ignore`: they are dropped, and so are those that are
  /// pending; a next handler of the signal gets those that come after it. When handlers disagree,
  /// one that wants `ignore` is enough, and it stays so when others come and go, until other code
  /// changes the disposition. Not for faults, which nobody can ignore. A program that is executed
  /// afterwards inherits that the signal is ignored; SIGCHLD is not ignored but caught and dropped,
  /// because the kernel would no longer keep the status of children.
  sigsafe::at_end at_end = sigsafe::at_end::restore;
  /// When all of sigsafe's handlers have run, the disposition that stood there before them follows:
  /// a default action is taken, or a foreign handler is called, and as it asked to be called: on
  /// its stack, with its mask and no more blocked, with SA_RESTART if it had that. A deferred
  /// signal is delivered again for it, at the last release, so that its context is real. Only a
  /// real-time signal behind which others of its number wait is not, to keep their order: its
  /// foreign handler gets a null context, with everything blocked.
  bool chain = false;
  /// When it is false the handler does not wait for the end of a hold: it runs at once, also inside
  /// lazy and eager ones, as those of faults do. It is for handlers that touch nothing but atomics,
  /// such as a profiler's of SIGPROF. Holds do not protect what it shares with the code that it
  /// interrupts, which may be a handler whose signal was deferred. A mutex that it locks may be
  /// that code's: a checked build panics; it may try (try_lock). wait and poll do not return for
  /// it. Only a subset_guard that names the signal, a mask that the program sets itself, and
  /// handlers that run at once, hold it off. All handlers of a signal must agree, else
  /// std::system_error. Not with `once`. A signal that gets such a handler while a hold lives may
  /// still wait for that hold. For faults and SIGABRT, which never wait, it changes nothing.
  bool deferrable = true;
  /// Runs in forked children too, as POSIX has it, so that a program that forks into the background
  /// keeps its handlers. When it is false, a child has what stood there before sigsafe, as if this
  /// handler had been destroyed in it. The child of vfork is none of these: until it calls exec it
  /// runs all handlers, in its parent's memory. Call vfork with signals blocked, or posix_spawn.
  bool in_child = true;
  /// Unregistered after its first call: the next signal meets what `at_end` says, as if the handler
  /// had been destroyed. Of two threads that receive signals at once, one calls it. A handler for a
  /// set is called once in all. Not for faults and SIGABRT.
  bool once = false;
  /// Nothing is registered for a signal that is ignored, as nohup and shells start programs with
  /// SIGHUP or SIGINT ignored; handler::active tells.
  bool respect_ignored = false;
  /// System calls that the handler interrupts go on instead of failing with EINTR. All handlers of
  /// a signal must agree: one that does not set it gets its EINTR.
  bool restart = false;
  /// Runs on this thread. A signal that arrives on another one is passed on to it, with its
  /// siginfo; one that is deferred there, when it is dispatched. Where the thread has gone, and in
  /// a forked child, which does not have it, the handler runs where the signal arrived. All
  /// handlers of a signal must agree, else std::system_error. Not for faults and SIGABRT.
  ///
  ///     .thread = sigsafe::thread_id::current()
  sigsafe::thread_id thread{};
};

}  // namespace sigsafe
