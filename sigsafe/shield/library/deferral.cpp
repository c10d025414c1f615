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

kernel::signal_bits close_mask() noexcept { return kernel::block(closed()); }

bool queue_again(const deferral& taken) noexcept { return kernel::queue(taken.signal, taken.info); }

constexpr uint32_t may_sleep = mask_of(sigsafe_shield_syslog) | mask_of(sigsafe_shield_stdio);

// Is this thread only in code that may sleep, and asleep in the kernel there? In syslog its signal
// waits for a second, if somebody asks then.
bool sleeps(ucontext_t& context) noexcept {
  const uint32_t runs = can_watch() ? mask_of(sigsafe_shield_stdio) : may_sleep;
  return (here.inside & ~runs) == 0 && is_at_system_call(context);
}

// A longjmp out of the handler leaves the region behind, and with it nothing that would defer for
// ever. What was deferred before is given back to the kernel: the jump may open the mask.
void run_inside(int signal, siginfo_t* info, void* context, size_t stub) noexcept {
  thread_state& t = here;
  const uint32_t inside = t.inside, attention = t.attention;
  deferrals saved = t.deferred;
  if (!current_settings().only_calls)
    while (saved.count > 0 && queue_again(saved.taken[saved.count - 1])) --saved.count;
  t.attention = nothing_to_do;
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
         // SA_RESETHAND, or another thread, has taken the handler away.
         disposition_of(taken.signal).handler != address_of_stub(taken.stub) ||
         (kernel::pending() & kernel::bit_of(taken.signal)) != 0;  // it would merge with that
}

// The mask is closed. Returns the one with which the thread goes on. Those that are to come behind
// it wait until its handler is through: they must not be overtaken.
kernel::signal_bits deliver(const deferral& taken, kernel::signal_bits mask,
                            kernel::signal_bits behind) noexcept {
  if (taken.process != kernel::process()) return mask;
  if (!must_be_called(taken) && queue_again(taken)) return mask;
  count_call(taken.stub, taken.signal);
  return call_handler(taken, mask, behind);
}

kernel::signal_bits signals_of(const deferrals& all) noexcept {
  kernel::signal_bits bits = 0;
  for (unsigned i = 0; i < all.count; ++i) bits |= kernel::bit_of(all.taken[i].signal);
  return bits;
}

void take(int signal, const siginfo_t& info, size_t stub) noexcept {
  deferrals& all = here.deferred;
  const kernel_disposition is = disposition_of(signal);
  all.taken[all.count++] = {signal,  is.flags, static_cast<unsigned>(stub), kernel::process(),
                            is.mask, info};
}

}  // namespace

kernel::signal_bits deliver_all() noexcept {
  deferrals& all = here.deferred;
  if (all.has_timer) kernel::stop_timer(all.timer);
  all.has_timer = false;
  kernel::signal_bits mask = all.mask;
  // The last one has interrupted the stub of the one before it, which came first. A handler may
  // jump away from here, or defer others.
  while (all.count > 0) {
    const deferral next = all.taken[--all.count];
    here.attention = all.count > 0 ? is_left_over : nothing_to_do;
    mask = deliver(next, mask, signals_of(all));
    close_mask();
  }
  here.attention = nothing_to_do;
  return mask;
}

kernel::signal_bits blocked_at_end() noexcept { return closed(); }

void finish_deferral() noexcept {
  if (here.inside != 0) return;
  const kernel::errno_saver kept;
  if (here.attention == is_left_over) here.deferred.mask = close_mask();
  kernel::set_mask(deliver_all());
}

void arrive(int signal, siginfo_t* info, void* interrupted, size_t stub) noexcept {
  auto& context = *static_cast<ucontext_t*>(interrupted);
  // There is always room, unless handlers with SA_NODEFER interrupt their own stubs.
  if ((run_at_once() & kernel::bit_of(signal)) != 0 || sleeps(context) ||
      here.deferred.count == most_deferrals) {
    run_inside(signal, info, interrupted, stub);
    return;
  }
  const kernel::errno_saver kept;
  // Until here others may interrupt this one: they are taken then, and the mask of their frames,
  // which was that of this stub, is of no interest.
  close_mask();
  thread_state& t = here;
  t.deferred.mask = kernel::bits_of(context.uc_sigmask);
  // The signal that asks whether the thread sleeps is open, whatever the program blocks.
  kernel::set_bits(context.uc_sigmask, (t.deferred.mask | closed()) &
                                           ~(can_watch() ? kernel::bit_of(sleep_signal) : 0));
  count_deferral(stub, signal, t.inside);
  take(signal, *info, stub);
  t.attention = mask_is_closed;
  if ((t.inside & may_sleep) != 0) watch_for_sleep(t.deferred);
}

}  // namespace shield
