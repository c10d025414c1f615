// What the kernel calls.
#pragma once

#include <sigsafe/config.hpp>

#include <signal.h>

namespace sigsafe::detail {

/// Runs the handlers of the signal, defers it, or queues it again.
extern "C" SIGSAFE_API void sigsafe_abi1_trampoline(int signal, siginfo_t* info, void* context);

}  // namespace sigsafe::detail
