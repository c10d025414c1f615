#include <sigsafe/src/stops.hpp>

#include <signal.h>

#include <atomic>
#include <cstdint>

#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/process.hpp>

namespace sigsafe::detail {

void note_continue() noexcept { this_process.continues.fetch_add(1, std::memory_order_seq_cst); }

// One that waits, blocked, for this thread or for the process has come too.
bool is_over(int signal, std::uint32_t since) noexcept {
  if (stops.contains(signal))
    return continues() != since || signal_set::pending().contains(SIGCONT);
  return signal == SIGCONT && !(signal_set::pending() & stops).empty();
}

}  // namespace sigsafe::detail
