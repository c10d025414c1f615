// Sleeping until a word changes.
//
// Not std::atomic's wait and notify: libstdc++ counts the sleepers in a table of its inline code,
// of which every shared object with hidden symbols has its own, so that a notification from another
// object finds nobody to wake.
#pragma once

#include <sigsafe/config.hpp>

#include <climits>
#include <cstdint>

namespace sigsafe::detail {

/// Sleeps while the word has this value. May wake spuriously. errno is kept.
SIGSAFE_API void futex_wait(const std::uint32_t* word, std::uint32_t value) noexcept;

/// The same, at most until the clock shows `deadline`; false when it did.
SIGSAFE_API bool futex_wait_until(const std::uint32_t* word, std::uint32_t value,
                                  std::int64_t deadline) noexcept;

/// The clock of deadlines: CLOCK_MONOTONIC, in nanoseconds.
SIGSAFE_API std::int64_t monotonic_now() noexcept;

/// Wakes sleepers; the word may be gone already. errno is kept.
SIGSAFE_API void futex_wake(const std::uint32_t* word, int sleepers = INT_MAX) noexcept;

/// Lets all that sleep on one word sleep on another, without waking them. errno is kept.
SIGSAFE_API void futex_move(const std::uint32_t* from, const std::uint32_t* to) noexcept;

}  // namespace sigsafe::detail
