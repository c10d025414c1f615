// Signals that another thread is to handle. The kernel lets nobody send another thread a siginfo
// that looks like its own or like that of kill(2), so the code is changed on the way.
#pragma once

#include <sigsafe/config.hpp>

#include <signal.h>

#include <cstdint>

#include <sigsafe/detail/handler_node.hpp>
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

/// Gives a signal that was passed on its code back.
inline void restore_code(siginfo_t& info) noexcept {
  if (info.si_code > passed_on - farthest_code && info.si_code < passed_on + farthest_code)
    info.si_code -= passed_on;
}

}  // namespace sigsafe::detail
