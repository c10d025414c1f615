// Signals that another thread is to handle. The kernel lets nobody send another thread a siginfo
// that looks like its own or like that of kill(2), so the code is changed on the way.
#pragma once

#include <sigsafe/config.hpp>

#include <signal.h>

#include <cstdint>

#include <sigsafe/detail/handler_node.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/thread_id.hpp>

namespace sigsafe::detail {

/// What is added to the code: far from all codes of kernels and programs, which lie within this
/// distance of 0.
inline constexpr int passed_on = -0x53530000;
inline constexpr int farthest_code = 0x4000;

/// The thread on which a handler wants to run; none in a forked child, which does not have it.
inline thread_id target_of(const handler_node& node, std::uint32_t generation) noexcept {
  return node.registered_in == generation ? node.owner->wanted.thread : thread_id{};
}

/// Passes the signal on to that thread. Returns false when it is to be handled here: there is no
/// such wish, this is the thread, the thread has gone, or the kernel refuses.
bool pass_on(thread_id target, const siginfo_t& info) noexcept;

/// From now on this thread takes these signals where the thread that gets them is held. Returns the
/// one that another thread takes already, or 0. A forked child has nobody who does.
int claim_signals(signal_set signals, std::uint32_t thread) noexcept;

/// No more; and nothing is on its way to that thread when this returns.
void unclaim_signals(signal_set signals, std::uint32_t thread) noexcept;

/// Passes a signal of the process on to the thread that has claimed it. Returns false when there is
/// none, or it came to this thread.
bool pass_to_claimant(const siginfo_t& info) noexcept;

/// Gives a signal that was passed on its code back. Returns false when it was not.
inline bool restore_code(siginfo_t& info) noexcept {
  if (info.si_code <= passed_on - farthest_code || info.si_code >= passed_on + farthest_code)
    return false;
  info.si_code -= passed_on;
  return true;
}

}  // namespace sigsafe::detail
