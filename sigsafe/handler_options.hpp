// How a handler wants to be called.
#pragma once

#include <sigsafe/config.hpp>

namespace sigsafe {

/// How a handler wants to be called. Written by name, in alphabetical order:
/// {.chain = true, .restart = true}.
struct handler_options {
  /// The kernel calls the handlers of this signal on the thread's alternate stack, where it has one
  /// (sigaltstack). A deferred signal's handlers run on the stack of the last release.
  bool alternate_stack = false;
  /// When all of sigsafe's handlers have run, the disposition that stood there before them follows:
  /// a foreign handler is called, a default action is taken. After a deferral a foreign handler
  /// gets a null context, because what it would describe has gone on.
  bool chain = false;
  /// Runs in forked children too, as POSIX has it, so that a program that forks into the background
  /// keeps its handlers. When it is false, a child has what stood there before sigsafe, as if this
  /// handler had been destroyed in it.
  bool in_child = true;
  /// System calls that the handler interrupts go on instead of failing with EINTR. All handlers of
  /// a signal must agree: one that does not set it gets its EINTR.
  bool restart = false;
};

}  // namespace sigsafe
