#include <sigsafe/src/trampoline.hpp>

#include <signal.h>

#include <sigsafe/detail/protocol.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/cancellation.hpp>
#include <sigsafe/src/dispatch.hpp>
#include <sigsafe/src/errno_saver.hpp>
#include <sigsafe/src/mask.hpp>
#include <sigsafe/src/protocol.hpp>
#include <sigsafe/src/requeue.hpp>
#include <sigsafe/wake_signal.hpp>

namespace sigsafe::detail {
namespace {

void handle(int signal, siginfo_t& info, void* context) noexcept {
  thread_state& thread = current_thread();
  if (!signal_set::maskable().contains(signal)) {  // rule 3: a fault cannot wait
    run_now(signal, info, context);
  } else if (thread.has_deferred()) {
    // Rule 2: somebody unblocked signals after a deferral. The first one is never overwritten; this
    // one goes back to the kernel, behind the mask that is set up again.
    requeue(info);
    block_maskable_in(context);
  } else if (thread.held.load() != 0) {
    defer(info, context);
  } else {
    run_now(signal, info, context);
    if (thread.has_deferred()) dispatch_deferred();
  }
}

}  // namespace

// Only assembly refers to it: src/abi.cpp.
extern "C" [[gnu::used]] void sigsafe_abi1_trampoline(int signal, siginfo_t* info, void* context) {
  if (signal == wake_signal()) return;
  const errno_saver saver;
  const int cancellation = disable_cancellation();
  handle(signal, *info, context);
  enable_cancellation(cancellation, context);
}

}  // namespace sigsafe::detail
