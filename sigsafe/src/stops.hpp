// Stops that are over: SIGCONT takes back a SIGTSTP, SIGTTIN or SIGTTOU that came before it, and
// each of these takes back a SIGCONT (rule 13).
//
// The kernel sees to that for signals in its queues. It does not know of those that sigsafe has
// taken out, and to queue one again would take back the other instead: the process would stop for
// ever, or never. So a handler of a stop brings a watcher along, a handler of SIGCONT without a
// function: the trampoline counts what comes to it.
#pragma once

#include <sigsafe/config.hpp>

#include <atomic>
#include <cstdint>

#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/process.hpp>

namespace sigsafe::detail {

inline constexpr signal_set stops{SIGTSTP, SIGTTIN, SIGTTOU};

/// SIGCONT has come to a trampoline.
void note_continue() noexcept;

/// How often it has, in this process and those that it was forked from; it wraps around.
inline std::uint32_t continues() noexcept {
  return this_process.continues.load(std::memory_order_seq_cst);
}

/// Is this a stop, and has the process been continued since the count was this one? Or a SIGCONT,
/// and a stop waits that came behind it?
bool is_over(int signal, std::uint32_t since) noexcept;

}  // namespace sigsafe::detail
