// Deadlines of C: what sigsafe_now() shows then, or SIGSAFE_FOREVER.
#pragma once

#include <sigsafe/config.hpp>

#include <cstdint>

#include <sigsafe/detail/deadline.hpp>
#include <sigsafe/detail/futex.hpp>
#include <sigsafe/detail/hosted_backend.hpp>

namespace sigsafe::c {

/// What is left; 0 when it has passed.
inline std::int64_t nanoseconds_until(std::int64_t deadline) noexcept {
  if (deadline == detail::longest_time) return detail::longest_time;
  const std::int64_t left = detail::saturating_sum(deadline, -detail::monotonic_now());
  return left > 0 ? left : 0;
}

inline detail::hosted_backend::duration time_until(std::int64_t deadline) noexcept {
  return detail::hosted_backend::duration{nanoseconds_until(deadline)};
}

}  // namespace sigsafe::c
