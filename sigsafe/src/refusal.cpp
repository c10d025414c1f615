#include <sigsafe/src/refusal.hpp>

#include <errno.h>
#include <signal.h>

#include <system_error>

#include <sigsafe/detail/handler_node.hpp>
#include <sigsafe/handler_options.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/signal_text.hpp>
#include <sigsafe/wake_signal.hpp>

namespace sigsafe::detail {

void refuse(int error, int signal, const char* why) {
  throw std::system_error(error, std::generic_category(),
                          "sigsafe: cannot handle " + text_of_signal(signal) + ": " + why);
}

void require_consistent(const handler_base& handler) {
  const handler_options& wanted = handler.wanted;
  const signal_set faults = handler.of_signals & signal_set::faults();
  const signal_set unmaskable = handler.of_signals - signal_set::maskable();
  if (wanted.at_end == at_end::ignore && !faults.empty())
    refuse(EINVAL, *faults.begin(), ".at_end = ignore is not for faults, which nobody can ignore");
  if (wanted.once && !unmaskable.empty())
    refuse(EINVAL, *unmaskable.begin(),
           ".once is not for faults and SIGABRT, which may interrupt the removal of a handler; use "
           "a flag of your own");
  if (wanted.once && !wanted.deferrable)
    refuse(EINVAL, *handler.of_signals.begin(),
           ".once contradicts .deferrable = false: such a handler may interrupt the removal of a "
           "handler; use a flag of your own");
  if (wanted.thread != thread_id{} && !unmaskable.empty())
    refuse(EINVAL, *unmaskable.begin(),
           ".thread is not for faults and SIGABRT, which belong to the thread that caused them");
}

signal_set catchable(int signal) {
  if (signal == SIGKILL)
    refuse(EINVAL, signal, "no process can catch it; use SIGTERM for a stop that can be handled");
  if (signal == SIGSTOP)
    refuse(EINVAL, signal, "no process can catch it; use SIGTSTP for a stop that can be handled");
  if (signal < 1 || signal > 64) refuse(EINVAL, signal, "signals have the numbers 1 to 64");
  if (!signal_set::all().contains(signal))
    refuse(EINVAL, signal, "the C library keeps it for itself; use SIGRTMIN to SIGRTMAX");
  if (signal == wake_signal())
    refuse(EINVAL, signal,
           "sigsafe wakes threads with it; choose another for that with set_wake_signal");
  return {signal};
}

signal_set catchable(signal_set signals) {
  if (signals.empty())
    throw std::system_error(
        EINVAL, std::generic_category(),
        "sigsafe: a handler for an empty set of signals would never run; a number that is no "
        "signal belongs to no set");
  for (int signal : signals) catchable(signal);
  return signals;
}

}  // namespace sigsafe::detail
