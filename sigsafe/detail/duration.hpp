// Durations as a count of nanoseconds, without <chrono>, which takes longer to compile than all of
// sigsafe.
#pragma once

#include <sigsafe/config.hpp>

#include <concepts>
#include <cstdint>
#include <limits>

namespace sigsafe::detail {

/// std::chrono::duration, or what is made like it.
template <class D>
concept duration_like = requires(const D& time) {
  time.count();
  { D::period::num + D::period::den } -> std::convertible_to<std::int64_t>;
};

/// What sleeps take for a time without end.
inline constexpr std::int64_t for_ever = -1;

inline constexpr std::int64_t most_nanoseconds = std::numeric_limits<std::int64_t>::max();

constexpr std::int64_t greatest_common_divisor(std::int64_t a, std::int64_t b) noexcept {
  return b == 0 ? a : greatest_common_divisor(b, a % b);
}

/// Rounded up; what is negative becomes 0, and what is too long the longest, about 292 years.
template <duration_like D>
constexpr std::int64_t to_nanoseconds(const D& time) noexcept {
  constexpr std::int64_t second = 1'000'000'000;
  constexpr std::int64_t common = greatest_common_divisor(second, D::period::den);
  constexpr std::int64_t divisor = D::period::den / common;
  const auto count = time.count();
  if (!(count > 0)) return 0;  // a floating-point duration may be no number at all
  if constexpr (std::floating_point<decltype(time.count())>) {
    const long double nanoseconds =
        static_cast<long double>(count) * D::period::num * second / D::period::den;
    if (nanoseconds >= static_cast<long double>(most_nanoseconds)) return most_nanoseconds;
    const auto whole = static_cast<std::int64_t>(nanoseconds);
    return static_cast<long double>(whole) < nanoseconds ? whole + 1 : whole;
  } else {
    std::int64_t factor;
    if (__builtin_mul_overflow(D::period::num, second / common, &factor)) return most_nanoseconds;
    std::int64_t whole;
    std::int64_t rest;
    if (__builtin_mul_overflow(count / divisor, factor, &whole) ||
        __builtin_mul_overflow(count % divisor, factor, &rest))
      return most_nanoseconds;
    rest = rest / divisor + (rest % divisor != 0 ? 1 : 0);
    return __builtin_add_overflow(whole, rest, &whole) ? most_nanoseconds : whole;
  }
}

}  // namespace sigsafe::detail
