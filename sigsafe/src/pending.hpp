// What waits for an eager hold when its thread is about to sleep (rule 12).
#pragma once

#include <sigsafe/config.hpp>

#include <sigsafe/signal_set.hpp>

namespace sigsafe::detail {

/// Takes one signal that is pending, and that sigsafe has blocked, from the kernel, and runs its
/// handlers: as the kernel would in the sleep, but without a frame and the return from it, which
/// cost more than all else in the turn of a loop. Not what wants a frame, nor what other code is to
/// get; and no real-time signal, which could not go back in front of those behind it. All of these
/// come in the sleep. Returns the one that ran, or nothing.
/// Pre:      the mask is closed, and nothing is deferred
signal_set run_one_that_is_pending() noexcept;

}  // namespace sigsafe::detail
