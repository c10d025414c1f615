// Refusing to register a handler, with a text that says which signal, why, and what to do.
#pragma once

#include <sigsafe/config.hpp>

#include <sigsafe/detail/handler_node.hpp>

namespace sigsafe::detail {

/// Errors:   std::system_error, always
[[noreturn]] void refuse(int error, int signal, const char* why);

/// Errors:   std::system_error when the handler's options contradict each other or its signals
void require_consistent(const handler_base& handler);

}  // namespace sigsafe::detail
