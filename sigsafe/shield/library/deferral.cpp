// A signal that came while its thread was in a region, until its handler has run.
//
// The handler's stub claims the signal: it writes it down, and closes the mask of what it has
// interrupted, so that no second one comes. The end of the region queues the signal again and opens
// the mask. The kernel delivers it there, with a frame of its own. What cannot be queued, or would
// come behind its successors, is called.
#include <sigsafe/shield/library/call.hpp>
#include <sigsafe/shield/library/context.hpp>
#include <sigsafe/shield/library/counts.hpp>
#include <sigsafe/shield/library/region.hpp>
#include <sigsafe/shield/library/settings.hpp>
#include <sigsafe/shield/library/stubs.hpp>
#include <sigsafe/shield/library/sleep.hpp>

namespace shield {

thread_local constinit thread_state here;

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

constexpr uint32_t may_sleep = mask_of(sigsafe_shield_syslog) | mask_of(sigsafe_shield_stdio);

// Is this thread only in stdio, and asleep in the kernel there?
bool sleeps_in_stdio(ucontext_t& context) noexcept {
  return (here.inside & ~mask_of(sigsafe_shield_stdio)) == 0 && is_at_system_call(context);
}

// A mutex of the program cannot be held inside, but the allocator's is. A longjmp out of the
// handler leaves the region behind, and with it nothing that would defer signals for ever.
void run_inside(int signal, siginfo_t* info, void* context, size_t stub) noexcept {
  thread_state& t = here;
  const uint32_t inside = t.inside, attention = t.attention;
  deferral taken = t.taken;
  if (attention != 0 && taken.waits && !current_settings().only_calls &&
      kernel::queue(taken.signal, taken.info))
    taken.waits = false;
  t.attention = 0;
  t.inside = 0;
  handler_of(stub)(signal, info, context);
  t.inside = inside;
  t.taken = taken;
  t.attention = attention;
}

bool must_be_called(const deferral& taken) noexcept {
  return current_settings().only_calls || taken.signal >= SIGRTMIN ||
         (taken.flags & static_cast<int>(SA_RESETHAND)) != 0 ||
         (kernel::pending() & kernel::bit_of(taken.signal)) != 0;  // it would merge with that
}

}  // namespace

kernel::signal_bits deliver(const deferral& taken) noexcept {
  if (!taken.waits || taken.process != kernel::process()) return taken.mask;
  if (!must_be_called(taken) && kernel::queue(taken.signal, taken.info)) return taken.mask;
  count_call(taken.stub, taken.signal);
  return call_handler(taken);
}

void finish_deferral() noexcept {
  thread_state& t = here;
  if (t.inside != 0) return;
  const kernel::errno_saver kept;
  const deferral taken = t.taken;
  t.attention = 0;
  if (taken.has_timer) kernel::stop_timer(taken.timer);
  kernel::set_mask(deliver(taken));
}

void arrive(int signal, siginfo_t* info, void* interrupted, size_t stub) noexcept {
  auto& context = *static_cast<ucontext_t*>(interrupted);
  thread_state& t = here;
  if ((run_at_once() & kernel::bit_of(signal)) != 0 || sleeps_in_stdio(context)) {
    run_inside(signal, info, interrupted, stub);
    return;
  }
  const kernel::errno_saver kept;
  const kernel::signal_bits mask = kernel::bits_of(context.uc_sigmask);
  kernel::set_bits(context.uc_sigmask, mask | closed());
  count_deferral(stub, signal, t.inside);
  if (t.attention != 0) {
    // Code of the program in the region has opened the mask; this one waits in the kernel.
    kernel::queue(signal, *info);
    return;
  }
  const kernel_disposition is = disposition_of(signal);
  t.taken = {.waits = true,
             .has_timer = false,
             .signal = signal,
             .flags = is.flags,
             .stub = static_cast<unsigned>(stub),
             .process = kernel::process(),
             .mask = mask,
             .blocks = is.mask,
             .timer = 0,
             .info = *info};
  t.attention = 1;
  if ((t.inside & may_sleep) != 0) watch_for_sleep(t);
}

}  // namespace shield
