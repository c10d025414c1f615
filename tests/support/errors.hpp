// What a constructor says that throws.
#pragma once

#include <string>
#include <system_error>

#include <sigsafe/handler.hpp>
#include <sigsafe/handler_options.hpp>
#include <sigsafe/signal_set.hpp>

#include <tests/support/child.hpp>

namespace test {

/// The text of the std::system_error that a function throws, which must have this code; empty when
/// it throws nothing.
template <class F>
std::string error_of(F make, std::errc code) {
  try {
    make();
  } catch (const std::system_error& error) {
    CHILD_REQUIRE(error.code() == code);
    return error.what();
  }
  return "";
}

/// The same of a handler whose options are refused.
inline std::string refusal_of(sigsafe::signal_set signals, sigsafe::handler_options options) {
  return error_of([&] { const sigsafe::handler refused{signals, []() noexcept {}, options}; },
                  std::errc::invalid_argument);
}

}  // namespace test
