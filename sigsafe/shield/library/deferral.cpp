// A signal that came while its thread was in a region, until its handler has run.
//
// The handler's stub claims the signal: it writes it down, and closes the mask of what it has
// interrupted, so that no other comes. The end of the region queues the signal again and opens
// the mask. The kernel delivers it there, with a frame of its own. What cannot be queued, or would
// come behind its successors, is called.
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include <sigsafe/shield/library/call.hpp>
#include <sigsafe/shield/library/context.hpp>
#include <sigsafe/shield/library/counts.hpp>
#include <sigsafe/shield/library/kernel.hpp>
#include <sigsafe/shield/library/region.hpp>
#include <sigsafe/shield/library/settings.hpp>
#include <sigsafe/shield/library/sleep.hpp>
#include <sigsafe/shield/library/stubs.hpp>
#include <sigsafe/shield/library/thread_state.hpp>

namespace shield {

thread_local constinit thread_state here{};

namespace {

// What a thread does to itself does not wait: it would go on behind the fault, or end before its
// handler has run. SIGABRT is how the allocator says that its memory is destroyed.
constexpr kernel::signal_bits faults = kernel::bit_of(SIGSEGV) | kernel::bit_of(SIGBUS) |
                                       kernel::bit_of(SIGFPE) | kernel::bit_of(SIGILL) |
                                       kernel::bit_of(SIGTRAP) | kernel::bit_of(SIGSYS) |
                                       kernel::bit_of(SIGABRT);

// The C library's own two lie below SIGRTMIN.
constexpr kernel::signal_bits of_c_library = kernel::bit_of(32) | kernel::bit_of(33);

kernel::signal_bits run_at_once() noexcept { return faults | current_settings().exempt; }

kernel::signal_bits closed() noexcept {
  return ~(run_at_once() | of_c_library | kernel::bit_of(sleep_signal));
}

void close_mask() noexcept { kernel::block(closed()); }

bool queue_again(const deferral& taken) noexcept { return kernel::queue(taken.signal, taken.info); }

constexpr uint32_t may_sleep = mask_of(sigsafe_shield_syslog) | mask_of(sigsafe_shield_stdio);

// Is this thread only in stdio, and asleep in the kernel there?
bool sleeps_in_stdio(ucontext_t& context) noexcept {
  return (here.inside & ~mask_of(sigsafe_shield_stdio)) == 0 && is_at_system_call(context);
}

// A longjmp out of the handler leaves the region behind, and with it nothing that would defer for
// ever. What was deferred before is given back to the kernel: the jump may open the mask.
void run_inside(int signal, siginfo_t* info, void* context, size_t stub) noexcept {
  thread_state& t = here;
  const uint32_t inside = t.inside, attention = t.attention;
  deferrals saved = t.deferred;
  if (!current_settings().only_calls)
    while (saved.count > 0 && queue_again(saved.taken[saved.count - 1])) --saved.count;
  t.attention = 0;
  t.inside = 0;
  t.deferred.count = 0;
  handler_of(stub)(signal, info, context);
  t.inside = inside;
  t.deferred = saved;
  t.attention = attention;
}

// To queue one of them deletes the others that wait.
constexpr kernel::signal_bits stop_and_continue = kernel::bit_of(SIGTSTP) |
                                                  kernel::bit_of(SIGTTIN) |
                                                  kernel::bit_of(SIGTTOU) | kernel::bit_of(SIGCONT);

bool must_be_called(const deferral& taken) noexcept {
  return current_settings().only_calls || taken.signal >= SIGRTMIN ||
         (stop_and_continue & kernel::bit_of(taken.signal)) != 0 ||
         (taken.flags & static_cast<int>(SA_RESETHAND)) != 0 ||
         (kernel::pending() & kernel::bit_of(taken.signal)) != 0;  // it would merge with that
}

// The mask is closed. Returns the one with which the thread goes on.
kernel::signal_bits deliver(const deferral& taken, kernel::signal_bits mask) noexcept {
  if (taken.process != kernel::process()) return mask;
  if (!must_be_called(taken) && queue_again(taken)) return mask;
  count_call(taken.stub, taken.signal);
  return call_handler(taken, mask);
}

void take(int signal, const siginfo_t& info, size_t stub) noexcept {
  deferrals& all = here.deferred;
  if (all.count == most_deferrals) {
    kernel::queue(signal, info);
    return;
  }
  const kernel_disposition is = disposition_of(signal);
  all.taken[all.count++] = {signal,  is.flags, static_cast<unsigned>(stub), kernel::process(),
                            is.mask, info};
}

}  // namespace

kernel::signal_bits deliver_all() noexcept {
  const deferrals all = here.deferred;
  here.attention = 0;
  here.deferred.count = 0;
  if (all.has_timer) kernel::stop_timer(all.timer);
  here.deferred.has_timer = false;
  kernel::signal_bits mask = all.mask;
  // The last one has interrupted the stub of the one before it, which came first.
  for (unsigned i = all.count; i > 0; --i) {
    mask = deliver(all.taken[i - 1], mask);
    close_mask();
  }
  return mask;
}

kernel::signal_bits blocked_at_end() noexcept { return closed(); }

void finish_deferral() noexcept {
  if (here.inside != 0) return;
  const kernel::errno_saver kept;
  kernel::set_mask(deliver_all());
}

void arrive(int signal, siginfo_t* info, void* interrupted, size_t stub) noexcept {
  auto& context = *static_cast<ucontext_t*>(interrupted);
  if ((run_at_once() & kernel::bit_of(signal)) != 0 || sleeps_in_stdio(context)) {
    run_inside(signal, info, interrupted, stub);
    return;
  }
  const kernel::errno_saver kept;
  // Until here others may interrupt this one: they are taken then, and the mask of their frames,
  // which was that of this stub, is of no interest.
  close_mask();
  thread_state& t = here;
  t.deferred.mask = kernel::bits_of(context.uc_sigmask);
  kernel::set_bits(context.uc_sigmask, t.deferred.mask | closed());
  count_deferral(stub, signal, t.inside);
  take(signal, *info, stub);
  t.attention = 1;
  if ((t.inside & may_sleep) != 0) watch_for_sleep(t.deferred);
}

}  // namespace shield
