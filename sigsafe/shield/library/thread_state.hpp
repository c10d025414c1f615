// What each thread knows of itself. A signal's stub tests one word of it.
#pragma once

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include <sigsafe/shield/library/kernel.hpp>

namespace shield {

/// A signal that was taken from the kernel, until its handler can run.
struct deferral {
  int signal;
  int flags;                   // of its disposition when it came
  unsigned stub;               // of its handler
  pid_t process;               // a fork copies what belongs to the parent
  kernel::signal_bits blocks;  // sa_mask, when it came
  siginfo_t info;
};

/// Those that the stub of another one was interrupted by, before it had closed the mask.
constexpr unsigned most_deferrals = 12;

struct deferrals {
  unsigned count;
  kernel::signal_bits mask;  // of what the outermost one has interrupted
  bool has_timer;            // the thread may sleep, and is to be asked
  kernel::timer timer;
  deferral taken[most_deferrals];
};

/// What the end of the outermost region has to do.
enum : uint32_t {
  nothing_to_do,
  mask_is_closed,  // to deliver, and to open the mask
  is_left_over     // to deliver: a handler has jumped away from those that were to come behind it
};

/// How deep regions of one kind may nest: 31.
constexpr unsigned bits_per_region = 5;

struct thread_state {
  uint32_t inside;       // how many regions of each kind; 0: none, handlers start at once
  uint32_t attention;    // what the end of the outermost region has to do
  uint32_t left_behind;  // how often a signal was let in; what was entered before is not left
  uint32_t resolving;    // looks up a function of another library, which may allocate
  deferrals deferred;
};

/// Handlers of this thread and the code that they interrupt share it.
extern thread_local constinit thread_state here [[gnu::tls_model("initial-exec")]];

}  // namespace shield
