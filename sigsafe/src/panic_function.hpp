// The function that panic calls; null stands for the default.
#pragma once

#include <sigsafe/config.hpp>

#include <atomic>

#include <sigsafe/panic.hpp>

namespace sigsafe::detail {

extern std::atomic<panic_function> current_panic_function asm("sigsafe_abi1_panic_function")
    SIGSAFE_API;

}  // namespace sigsafe::detail
