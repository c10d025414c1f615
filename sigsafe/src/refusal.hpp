// Refusing to register a handler, with a text that says which signal, why, and what to do.
#pragma once

#include <sigsafe/config.hpp>

namespace sigsafe::detail {

/// Errors:   std::system_error, always
[[noreturn]] void refuse(int error, int signal, const char* why);

}  // namespace sigsafe::detail
