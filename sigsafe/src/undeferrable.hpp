// Rule 16: the signals whose handlers run in holds too. Closing the mask leaves them open.
#pragma once

#include <sigsafe/config.hpp>

#include <atomic>

#include <sigsafe/detail/handler_node.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/process.hpp>

namespace sigsafe::detail {

/// The maskable signals that have handlers with .deferrable = false now. Registration changes it at
/// any time.
inline signal_set undeferrable() noexcept {
  return signal_set::from_bits(this_process.undeferrable.load(std::memory_order_relaxed));
}

/// What closing the mask blocks: the signals that wait for the end of a hold.
inline signal_set closed_signals() noexcept { return signal_set::maskable() - undeferrable(); }

/// Does it wait for that? Not a fault either.
inline bool is_deferrable(int signal) noexcept { return closed_signals().contains(signal); }

/// Does this handler see to that? To a fault the option means nothing.
inline bool is_undeferrable(const handler_node& node) noexcept {
  return !node.owner->wanted.deferrable && signal_set::maskable().contains(node.signal_number);
}

/// Guarded by `registration`.
inline void set_undeferrable(int signal, bool value) noexcept {
  signal_set signals = undeferrable();
  value ? signals.insert(signal) : signals.erase(signal);
  this_process.undeferrable.store(signals.bits(), std::memory_order_relaxed);
}

}  // namespace sigsafe::detail
