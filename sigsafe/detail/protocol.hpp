// The part of the lazy protocol that is not inlined into the user's code.
#pragma once

#include <sigsafe/config.hpp>

#include <sigsafe/location.hpp>
#include <sigsafe/signal_set.hpp>

namespace sigsafe::detail {

/// A release on a thread that has deferred a signal: dispatches it when nothing is held any more.
SIGSAFE_API void dispatch_deferred() noexcept;

/// The first eager hold: closes the mask. What was not blocked before goes into added.
SIGSAFE_API void begin_first_eager() noexcept;

/// The release of the last eager hold: unblocks what was added, or leaves that to the last release.
SIGSAFE_API void release_last_eager() noexcept;

/// Blocks the maskable signals of a set, until every subset guard that names them is released.
/// Returns the mask before.
SIGSAFE_API signal_set hold_subset(signal_set signals) noexcept;
SIGSAFE_API void release_subset(signal_set signals) noexcept;

/// Panics in a handler with .deferrable = false, which may have interrupted the owner of a lock.
SIGSAFE_API void require_may_lock(location where) noexcept;

}  // namespace sigsafe::detail
