// What each thread knows of itself. A signal's stub tests one word of it.
#pragma once

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include <sigsafe/shield/library/kernel.hpp>

namespace shield {

/// A signal that was taken from the kernel, until its handler can run; or, without one, a mask that
/// was closed.
struct deferral {
  bool waits;      // there is a signal
  bool has_timer;  // the thread may sleep, and is to be asked
  int signal;
  int flags;                   // of its disposition when it came
  unsigned stub;               // of its handler
  pid_t process;               // a fork copies what belongs to the parent
  kernel::signal_bits mask;    // of what it interrupted
  kernel::signal_bits blocks;  // sa_mask, when it came
  kernel::timer timer;
  siginfo_t info;
};

/// How deep regions of one kind may nest: 31.
constexpr unsigned bits_per_region = 5;

struct thread_state {
  uint32_t inside;       // how many regions of each kind; 0: none, handlers start at once
  uint32_t attention;    // the end of the outermost region has something to do
  uint32_t left_behind;  // how often a signal was let in; what was entered before is not left
  uint32_t resolving;    // looks up a function of another library, which may allocate
  deferral taken;
};

/// Handlers of this thread and the code that they interrupt share it.
extern thread_local constinit thread_state here [[gnu::tls_model("initial-exec")]];

}  // namespace shield
