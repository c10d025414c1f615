// Code in which handlers must not start.
#pragma once

#include <stdint.h>

#include <sigsafe/shield/library/kernel.hpp>
#include <sigsafe/shield/library/thread_state.hpp>
#include <sigsafe/shield/report.h>

namespace shield {

/// In the word of a thread: one region of this kind.
constexpr uint32_t unit_of(sigsafe_shield_region kind) noexcept {
  return uint32_t{1} << (bits_per_region * static_cast<unsigned>(kind));
}
/// All regions of this kind that there can be.
constexpr uint32_t mask_of(sigsafe_shield_region kind) noexcept {
  return unit_of(kind) * ((1u << bits_per_region) - 1);
}

/// The end of a region behind a deferral. If it is the outermost, the handler runs, and the mask
/// opens.
void finish_deferral() noexcept;

/// All that a region holds off.
kernel::signal_bits blocked_at_end() noexcept;

/// Queues what was deferred again, or calls its handlers; what belongs to the parent of this
/// process is dropped. The mask is closed before and behind it. Returns the mask to open it to.
kernel::signal_bits deliver_all() noexcept;

inline void enter_region(sigsafe_shield_region kind) noexcept {
  here.inside += unit_of(kind);
  asm volatile("" ::: "memory");  // for handlers of this thread
}

inline void leave_region(sigsafe_shield_region kind) noexcept {
  asm volatile("" ::: "memory");
  here.inside -= unit_of(kind);
  asm volatile("" ::: "memory");
  if (here.attention != 0) [[unlikely]]
    finish_deferral();
}

}  // namespace shield
