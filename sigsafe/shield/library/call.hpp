// A handler that is called, where the kernel would not deliver its signal as it came.
#pragma once

#include <sigsafe/shield/library/kernel.hpp>
#include <sigsafe/shield/library/next_function.hpp>
#include <sigsafe/shield/library/stubs.hpp>
#include <sigsafe/shield/library/thread_state.hpp>

namespace shield {

/// That of the C library, without translation.
extern const next_function<int(int, const struct sigaction*, struct sigaction*)> next_sigaction;

struct kernel_disposition {
  handler_function* handler;  ///< null: the default action
  int flags;
  kernel::signal_bits mask;
};
/// As it is now. Async-signal-safe.
kernel_disposition disposition_of(int signal) noexcept;
bool set_disposition(int signal, handler_function* handler, int flags) noexcept;

/// With its own siginfo, mask and stack, and a context of this place, which goes on with the mask;
/// what is to come behind it is blocked meanwhile. Returns the mask with which it goes on then: the
/// handler may have changed it.
kernel::signal_bits call_handler(const deferral& taken, kernel::signal_bits mask,
                                 kernel::signal_bits behind) noexcept;

}  // namespace shield
