// Sleeping until a word changes.
//
// Not std::atomic's wait and notify: libstdc++ counts the sleepers in a table of its inline code,
// of which every shared object with hidden symbols has its own, so that a notification from another
// object finds nobody to wake.
#pragma once

#include <cerrno>
#include <climits>
#include <cstdint>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace sigsafe::detail {

/// Sleeps while the word has this value. May come back early. errno is kept.
inline void futex_wait(const std::uint32_t* word, std::uint32_t value) noexcept {
  const int kept = errno;
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, nullptr);
  errno = kept;
}

/// Wakes sleepers; the word may be gone already. errno is kept.
inline void futex_wake(const std::uint32_t* word, int sleepers = INT_MAX) noexcept {
  const int kept = errno;
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, sleepers);
  errno = kept;
}

}  // namespace sigsafe::detail
