// What values of sigsafe look like in text: formatters for fmt, for every function of it.
#pragma once

#include <sigsafe/config.hpp>

#include <cstddef>

#include <fmt/format.h>

#include <sigsafe/crash.hpp>
#include <sigsafe/detail/format_argument.hpp>
#include <sigsafe/exit_status.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/signal_info.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/wake.hpp>

namespace sigsafe {
namespace detail {

// Each writes a text, cut to `size`, and returns how long it is.
// Safety:   async-signal-safe
SIGSAFE_API std::size_t describe(const crash_info& value, char* to, std::size_t size) noexcept;
SIGSAFE_API std::size_t describe(exit_status value, char* to, std::size_t size) noexcept;
SIGSAFE_API std::size_t describe(location value, char* to, std::size_t size) noexcept;
SIGSAFE_API std::size_t describe(const signal_info& value, char* to, std::size_t size) noexcept;
SIGSAFE_API std::size_t describe(signal_set value, char* to, std::size_t size) noexcept;
SIGSAFE_API std::size_t describe(wake value, char* to, std::size_t size) noexcept;

/// Formats a description as fmt formats a string: it takes a fill, an alignment, a width and a
/// precision.
template <class T, std::size_t Room>
struct described_formatter : fmt::formatter<fmt::string_view> {
  template <class Context>
  auto format(const T& value, Context& context) const {
    char text[Room];
    const std::size_t size = describe(value, text, Room);
    return fmt::formatter<fmt::string_view>::format({text, size}, context);
  }
};

}  // namespace detail

template <>
inline constexpr bool has_safe_formatter<crash_info> = true;
template <>
inline constexpr bool has_safe_formatter<exit_status> = true;
template <>
inline constexpr bool has_safe_formatter<location> = true;
template <>
inline constexpr bool has_safe_formatter<signal_info> = true;
template <>
inline constexpr bool has_safe_formatter<signal_set> = true;
template <>
inline constexpr bool has_safe_formatter<wake> = true;

}  // namespace sigsafe

/// What a crash_handler writes, without "sigsafe: ": "SIGSEGV (code 1) at address 0x8, pc
/// server+0x11a9, thread 4711 (worker) of process 4700, returns to server+0x11c2".
/// Safety:   async-signal-safe
/// Cost:     as crash_info::write_to
template <>
struct fmt::formatter<sigsafe::crash_info>
    : sigsafe::detail::described_formatter<sigsafe::crash_info, 2048> {};

/// "exited with 0", "killed by SIGKILL", "killed by SIGSEGV, dumped core", "running", "ended
/// unseen" when it is not known how.
/// Safety:   async-signal-safe
template <>
struct fmt::formatter<sigsafe::exit_status>
    : sigsafe::detail::described_formatter<sigsafe::exit_status, 64> {};

/// "server.cpp:112"; "?" when there is no file.
/// Safety:   async-signal-safe
template <>
struct fmt::formatter<sigsafe::location>
    : sigsafe::detail::described_formatter<sigsafe::location, 1024> {};

/// "SIGTERM from process 12", "SIGSEGV (code 1) at address 0x8", "SIGCHLD: process 12 exited with
/// 1", "SIGRTMIN+2 from process 12, value 7".
/// Safety:   async-signal-safe
template <>
struct fmt::formatter<sigsafe::signal_info>
    : sigsafe::detail::described_formatter<sigsafe::signal_info, 128> {};

/// "{SIGINT, SIGTERM, SIGRTMIN+2}"; "{}" when it is empty.
/// Safety:   async-signal-safe
template <>
struct fmt::formatter<sigsafe::signal_set>
    : sigsafe::detail::described_formatter<sigsafe::signal_set, 1024> {};

/// "handler", "ready", "timeout".
/// Safety:   async-signal-safe
template <>
struct fmt::formatter<sigsafe::wake> : sigsafe::detail::described_formatter<sigsafe::wake, 16> {};
