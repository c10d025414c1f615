// A deferral in syslog or stdio starts a timer of its thread. When it goes off, the region may be
// in a system call that never ends, such as a send to a hung /dev/log; then the signal comes in as
// it would have without the shield.
#include <sigsafe/shield/library/sleep.hpp>

#include <stdint.h>

#include <sigsafe/shield/library/call.hpp>
#include <sigsafe/shield/library/context.hpp>
#include <sigsafe/shield/library/counts.hpp>
#include <sigsafe/shield/library/kernel.hpp>
#include <sigsafe/shield/library/region.hpp>
#include <sigsafe/shield/library/settings.hpp>
#include <sigsafe/shield/library/thread_state.hpp>

namespace shield {
namespace {

constexpr long patience_in_syslog = 1'000'000'000;  // its lock is not recursive
constexpr long patience_in_stdio = 2'000'000;
constexpr uint32_t in_syslog = mask_of(sigsafe_shield_syslog);
constexpr uint32_t in_stdio = mask_of(sigsafe_shield_stdio);

bool installed = false;

long patience(uint32_t inside) noexcept {
  return (inside & in_syslog) != 0 ? patience_in_syslog : patience_in_stdio;
}

// The allocator, too, makes system calls; it does not sleep in them for ever.
bool sleeps(ucontext_t& context) noexcept {
  return (here.inside & ~(in_syslog | in_stdio)) == 0 && is_at_system_call(context);
}

// As if its signal had interrupted the system call.
bool all_restart(const deferrals& waiting) noexcept {
  for (unsigned i = 0; i < waiting.count; ++i)
    if ((waiting.taken[i].flags & SA_RESTART) == 0) return false;
  return true;
}

void let_in(int, siginfo_t*, void* interrupted) noexcept {
  const kernel::errno_saver kept;
  thread_state& t = here;
  auto& context = *static_cast<ucontext_t*>(interrupted);
  if (t.attention == 0 || !t.deferred.has_timer) return;  // the region ended just before
  if (!sleeps(context)) {
    kernel::restart_timer(t.deferred.timer, patience_in_stdio);
    return;
  }
  for (unsigned i = 0; i < t.deferred.count; ++i)
    count_let_in(t.deferred.taken[i].stub, t.deferred.taken[i].signal);
  if (restarts_system_call(context) && !all_restart(t.deferred)) interrupt_system_call(context);
  // The rest of the region is left to itself.
  t.inside = 0;
  ++t.left_behind;
  kernel::set_bits(context.uc_sigmask, deliver_all());
}

}  // namespace

void install_sleep_handler() noexcept {
  if (current_settings().tier < 3 || disposition_of(sleep_signal).handler != nullptr) return;
  installed = set_disposition(sleep_signal, &let_in, SA_SIGINFO | SA_RESTART);
}

void leave_sleep_signal_to_program() noexcept { installed = false; }

bool can_watch() noexcept { return installed && !current_settings().only_calls; }

bool keeps_sleep_signal() noexcept { return installed; }

bool is_sleep_handler(const struct sigaction& found) noexcept {
  return found.sa_sigaction == &let_in;
}

void watch_for_sleep(deferrals& begun) noexcept {
  if (!can_watch() || begun.has_timer) return;
  begun.has_timer = kernel::start_timer(begun.timer, sleep_signal, patience(here.inside));
}

}  // namespace shield
