// Rule 17: which signals are blocked for a signal_fd, in the whole process. Threads inherit the
// block without sigsafe's knowing; so who asks for the program mask looks here.
#pragma once

#include <sigsafe/config.hpp>

#include <atomic>
#include <cstdint>

#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/process.hpp>

namespace sigsafe::detail {

inline std::atomic<std::uint32_t>& signal_fds_of(int signal) noexcept {
  return this_process.signal_fds[signal - 1];
}

/// How many live signal_fds read it, also what the program had blocked before.
inline std::atomic<std::uint16_t>& readers_of(int signal) noexcept {
  return this_process.reading[signal - 1];
}

/// Of these, the ones that live signal_fds have taken which the program had not blocked before.
inline signal_set taken_by_signal_fds(signal_set signals) noexcept {
  signal_set taken;
  for (const int signal : signals& signal_set::maskable())
    if (signal_fds_of(signal).load(std::memory_order_relaxed) != 0) taken.insert(signal);
  return taken;
}

}  // namespace sigsafe::detail
