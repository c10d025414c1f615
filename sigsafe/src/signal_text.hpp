// How error texts call a signal.
#pragma once

#include <sigsafe/config.hpp>

#include <string>

#include <sigsafe/detail/signal_name.hpp>

namespace sigsafe::detail {

/// "signal 15 (SIGTERM)", "signal 37 (SIGRTMIN+3)", "signal 99".
inline std::string text_of_signal(int signal) {
  std::string text = "signal " + std::to_string(signal);
  if (const char* const name = signal_name(signal); *name != '\0')
    text.append(" (").append(name).append(")");
  return text;
}

}  // namespace sigsafe::detail
