#include <sigsafe/src/trampoline.hpp>

#include <signal.h>

#include <sigsafe/detail/protocol.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/caller.hpp>
#include <sigsafe/src/cancellation.hpp>
#include <sigsafe/src/dispatch.hpp>
#include <sigsafe/src/errno_saver.hpp>
#include <sigsafe/src/mask.hpp>
#include <sigsafe/src/passing.hpp>
#include <sigsafe/src/protocol.hpp>
#include <sigsafe/src/requeue.hpp>
#include <sigsafe/src/running.hpp>
#include <sigsafe/src/stops.hpp>
#include <sigsafe/src/system/system.hpp>
#include <sigsafe/src/undeferrable.hpp>
#include <sigsafe/src/wake_signal.hpp>

namespace sigsafe::detail {
namespace {

void run(int signal, siginfo_t& info, void* context, const void* frame) noexcept {
  run_now(signal, info, context, frame);
  if (current_thread().has_deferred()) dispatch_deferred();
}

void handle(int signal, siginfo_t& info, void* context,
            interrupted_cancellation& cancellation) noexcept {
  thread_state& thread = current_thread();
  if (!is_deferrable(signal)) {  // rules 3 and 16: it does not wait, and leaves what is deferred
    if (interrupted_mask(context).contains(signal)) thread.sleep_goes_on.store(1);
    cancellation.disable();
    run_now(signal, info, context, context);
  } else if (thread.has_deferred()) {
    // Rule 2: somebody unblocked signals after a deferral. The first one is never overwritten; this
    // one goes back to the kernel, behind the mask that is set up again.
    if (!is_over(signal, continues())) requeue(info);
    close_mask_of(context);
  } else if (thread.held.load() != 0) {
    if (pass_to_claimant(info)) return;
    note_deferred(info);
    close_mask_of(context);
  } else {
    cancellation.disable();
    run(signal, info, context, context);
  }
}

// From the kernel, but perhaps by way of a signal() that has lost the flags: then what lies in the
// place of the siginfo is older, and this signal alone is blocked.
void handle_kernels(int signal, siginfo_t& info, void* context,
                    interrupted_cancellation& cancellation) noexcept {
  if (info.si_signo == signal) {
    handle(signal, info, context, cancellation);
  } else {
    cancellation.disable();
    block(signal_set::maskable());  // until the return puts back the mask of the context
    repair_disposition(signal);
    siginfo_t unknown = unknown_info(signal);
    handle(signal, unknown, context, cancellation);
  }
  info.si_signo = 0;  // it lies here still when the next frame is built: see above
}

// The flags are lost, and the frame without them is another one here: with them the kernel builds
// the frame of this signal. A fault would not wait for it, and a stop may be over then.
bool comes_back_with_a_frame(int signal, const siginfo_t& info) noexcept {
  return repair_disposition(signal) && signal_set::maskable().contains(signal) &&
         !stops.contains(signal) && signal != SIGCONT && system::queue_to_this_thread(info) == 0;
}

// A foreign handler calls the one that it has replaced. What is held is held for that too. There is
// no context whose mask could be changed: the thread's own is, until the foreign handler returns.
void handle_called(int signal, const siginfo_t* passed, void* context) noexcept {
  if (!signal_set::all().contains(signal)) return;  // a number that is no signal
  siginfo_t info;
  if (!copy_if_readable(signal, passed, info)) {
    info = unknown_info(signal);
    context = nullptr;
  }
  if (chaining_here(signal) != chaining::none) {  // sigsafe has called it, and it calls back
    run_beneath(signal, info, context);
    return;
  }
  if (comes_back_with_a_frame(signal, info)) return;
  thread_state& thread = current_thread();
  const bool deferrable = is_deferrable(signal);
  const bool runs_now = !deferrable || thread.held.load() == 0;
  const signal_set wanted = runs_now ? signal_set::maskable() : closed_signals();
  const signal_set missing = wanted - block(wanted);
  if (runs_now) {
    if (deferrable)
      run(signal, info, context, nullptr);
    else
      run_now(signal, info, context, nullptr);
    if (!missing.empty()) unblock(missing);
    return;
  }
  thread.added.set_bits(missing.bits());
  if (thread.has_deferred())
    thread.called.set_bits(signal_set{signal}.bits());  // to queue it again would call us again
  else
    note_deferred(info);
}

// Where frames are not known, a call by what sigsafe chains to is not taken for one of the kernel.
bool is_from_kernel(int signal, const void* frame, const siginfo_t* info,
                    const void* context) noexcept {
  return is_kernels_frame(frame, info, context) &&
         (SIGSAFE_FRAME_IS_KNOWN || chaining_here(signal) == chaining::none);
}

}  // namespace

// Only assembly refers to it: src/abi.S.
extern "C" [[gnu::used]] void sigsafe_abi1_trampoline(int signal, siginfo_t* info, void* context) {
  if (is_wake_signal(signal)) return;
  if (signal == SIGCONT) note_continue();
  const errno_saver saver;
  interrupted_cancellation cancellation;
  if (is_from_kernel(signal, __builtin_dwarf_cfa(), info, context)) {
    handle_kernels(signal, *info, context, cancellation);
    cancellation.restore(context);
  } else {
    cancellation.disable();
    handle_called(signal, info, context);
    cancellation.restore(nullptr);
  }
}

}  // namespace sigsafe::detail
