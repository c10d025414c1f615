// Which signal sigsafe keeps for itself.
#pragma once

#include <sigsafe/config.hpp>

namespace sigsafe {

/// The real-time signal that a handler sends to threads that sleep in wait or poll when it has run
/// on another thread; SIGRTMAX - 3 unless set_wake_signal was called. It does nothing but end such
/// a sleep. A handler cannot be registered for it. A program that resets its dispositions resets
/// that of this one too: it comes back with the next registration of a handler.
/// Safety:   async-signal-safe, thread-safe
/// Cost:     a load
[[nodiscard]] SIGSAFE_API int wake_signal() noexcept;

/// Makes another real-time signal the wake signal, for programs that use SIGRTMAX - 3 themselves.
/// Safety:   thread-safe, not async-signal-safe: it may throw
/// Pre:      no thread has slept in wait or poll yet
/// Errors:   std::system_error: EINVAL when it is no real-time signal, EBUSY when it has a handler
///           or a timer, when a signal_fd reads it, or when a thread has slept already; nothing has
///           changed then
SIGSAFE_API void set_wake_signal(int signal);

}  // namespace sigsafe
