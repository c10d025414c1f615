// Why a sleep came back.
#pragma once

#include <sigsafe/config.hpp>

namespace sigsafe {

/// Why a guard's poll came back.
enum class wake {
  handler,  ///< a handler ran; descriptors may be ready too, the next poll tells
  ready,    ///< a descriptor has events
  timeout,  ///< the time was up
};

/// What a guard's poll returns: why it came back, and how many descriptors have events.
///
///     const sigsafe::poll_result woken = off.poll(fds, 1s);
///     if (woken == sigsafe::wake::timeout) …
///     for (pollfd& fd : fds) if (fd.revents != 0) …        // woken.ready of them
///
/// Safety:   async-signal-safe
struct poll_result {
  // NOLINTNEXTLINE(*-explicit-*): a reason without descriptors is a result
  constexpr poll_result(wake why, int count = 0) noexcept : reason(why), ready(count) {}
  friend constexpr bool operator==(const poll_result&, const poll_result&) noexcept = default;
  friend constexpr bool operator==(const poll_result& result, wake why) noexcept {
    return result.reason == why;
  }

  wake reason;
  int ready;
};

}  // namespace sigsafe
