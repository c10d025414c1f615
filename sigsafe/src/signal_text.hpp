// How texts call a signal.
#pragma once

#include <sigsafe/config.hpp>

#include <cstddef>
#include <string>

#include <sigsafe/detail/signal_name.hpp>
#include <sigsafe/src/line.hpp>

namespace sigsafe::detail {

/// "signal 15 (SIGTERM)", "signal 37 (SIGRTMIN+3)", "signal 99".
inline std::string text_of_signal(int signal) {
  std::string text = "signal " + std::to_string(signal);
  if (const char* const name = signal_name(signal); *name != '\0')
    text.append(" (").append(name).append(")");
  return text;
}

/// "SIGTERM", "SIGRTMIN+3", "signal 99".
/// Safety:   async-signal-safe
template <std::size_t Size>
void append_signal(line<Size>& out, int signal) noexcept {
  const char* const name = signal_name(signal);
  if (*name != '\0') return out.append(name);
  out.append("signal ");
  out.append_number(signal);
}

}  // namespace sigsafe::detail
