// How long a caller waits for a lock: times as nanoseconds, and waiting until they are up. The
// types of <chrono> are known by their shape, and so are those of Boost.Chrono: the header alone is
// longer than all of sigsafe.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

namespace sigsafe::detail {

template <class T>
concept duration_like = requires(const T& time) {
  time.count();
  T::period::num;
  T::period::den;
};

template <class T>
concept time_point_like = requires(const T& time) {
  { time.time_since_epoch() } -> duration_like;
  { T::clock::now().time_since_epoch() } -> duration_like;
};

/// 292 years, which stand for every longer time.
inline constexpr std::int64_t longest_time = INT64_MAX;

/// a + b, or what is nearest to it.
constexpr std::int64_t saturating_sum(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b < 0 ? -longest_time : longest_time;
}

/// a - b, or what is nearest to it.
constexpr std::int64_t saturating_difference(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t difference = 0;
  if (!__builtin_sub_overflow(a, b, &difference)) return difference;
  return b > 0 ? -longest_time : longest_time;
}

constexpr std::int64_t saturating_product(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t product = 0;
  if (!__builtin_mul_overflow(a, b, &product)) return product;
  return (a < 0) != (b < 0) ? -longest_time : longest_time;
}

constexpr std::int64_t greatest_common_divisor(std::int64_t a, std::int64_t b) noexcept {
  while (b != 0) {
    const std::int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/// Units of `factor` nanoseconds, rounded up. What is not a number is no time at all.
constexpr std::int64_t nanoseconds_of(double count, double factor) noexcept {
  constexpr double limit = 9223372036854775808.0;  // the first that int64_t does not have
  if (count >= limit / factor) return longest_time;
  if (!(count > -limit / factor)) return -longest_time;
  const double time = count * factor;
  if (time >= limit) return longest_time;
  const auto whole = static_cast<std::int64_t>(time);
  return static_cast<double>(whole) < time ? whole + 1 : whole;
}

/// Units of multiplier / divisor nanoseconds, rounded up. The count is divided first: the product
/// may be out of range when the result is not.
constexpr std::int64_t nanoseconds_of(std::int64_t count, std::int64_t multiplier,
                                      std::int64_t divisor) noexcept {
  std::int64_t whole = 0;
  if (__builtin_mul_overflow(count / divisor, multiplier, &whole))
    return count < 0 ? -longest_time : longest_time;
  const std::int64_t rest = count % divisor * multiplier;
  return saturating_sum(whole, rest / divisor + (rest % divisor > 0 ? 1 : 0));
}

/// A duration in nanoseconds, rounded up, so that nobody waits too short a time. One that is out of
/// range becomes the nearest that is not.
template <duration_like Duration>
constexpr std::int64_t to_nanoseconds(const Duration& time) noexcept {
  constexpr std::int64_t second = 1'000'000'000;
  constexpr std::int64_t numerator = Duration::period::num;
  constexpr std::int64_t denominator = Duration::period::den;
  constexpr std::int64_t common = greatest_common_divisor(second, denominator);
  constexpr std::int64_t multiplier_of_one = second / common;
  constexpr std::int64_t divisor = denominator / common;
  constexpr bool fits = numerator <= longest_time / multiplier_of_one / divisor;
  const auto count = time.count();
  using number = std::remove_const_t<decltype(count)>;
  if constexpr (!std::is_integral_v<number> || !fits) {
    constexpr double factor = static_cast<double>(second) / static_cast<double>(denominator) *
                              static_cast<double>(numerator);
    return nanoseconds_of(static_cast<double>(count), factor);
  } else {
    constexpr auto most = static_cast<std::uint64_t>(longest_time);
    if constexpr (std::is_unsigned_v<number>)
      if (count > most) return longest_time;
    return nanoseconds_of(static_cast<std::int64_t>(count), numerator * multiplier_of_one, divisor);
  }
}

/// Nanoseconds as a duration, rounded up; the longest that it has stands for a longer time.
template <duration_like Duration>
constexpr Duration from_nanoseconds(std::int64_t time) noexcept {
  constexpr std::int64_t second = 1'000'000'000;
  constexpr std::int64_t numerator = Duration::period::num;
  constexpr std::int64_t denominator = Duration::period::den;
  using number = std::remove_cv_t<decltype(std::declval<const Duration&>().count())>;
  if constexpr (!std::is_integral_v<number>) {
    constexpr double factor = static_cast<double>(denominator) / static_cast<double>(numerator) /
                              static_cast<double>(second);
    return Duration{static_cast<number>(static_cast<double>(time) * factor)};
  } else {
    constexpr std::int64_t common = greatest_common_divisor(second, denominator);
    const std::int64_t count =
        nanoseconds_of(time, denominator / common, saturating_product(numerator, second / common));
    constexpr int bits = 8 * sizeof(number) - (std::is_signed_v<number> ? 1 : 0);
    constexpr auto longest = static_cast<number>(~std::uint64_t{0} >> (64 - bits));
    return Duration{static_cast<std::uint64_t>(count) > static_cast<std::uint64_t>(longest)
                        ? longest
                        : static_cast<number>(count)};
  }
}

/// How much is left until a time point, by its own clock; 0 when it has passed.
template <time_point_like Time>
std::int64_t nanoseconds_until(const Time& time) noexcept(noexcept(Time::clock::now())) {
  // Neither time - now nor time > now: both may overflow when the units differ.
  const std::int64_t end = to_nanoseconds(time.time_since_epoch());
  const std::int64_t now = to_nanoseconds(Time::clock::now().time_since_epoch());
  return end <= now ? 0 : saturating_difference(end, now);
}

/// Calls attempt until it succeeds; in between it waits for the lock, for so long in all.
template <class L, class F>
bool attempt_for(L& lock, std::int64_t nanoseconds, F attempt) {
  if (attempt()) return true;
  if (nanoseconds <= 0) return false;
  const std::int64_t deadline = saturating_sum(L::now(), nanoseconds);
  while (lock.wait_until(deadline))
    if (attempt()) return true;
  return attempt();
}

/// The same until a time point. The lock waits by a clock of its own, and this one may be set
/// meanwhile: so it is read again.
template <class L, class Time, class F>
bool attempt_until(L& lock, const Time& time, F attempt) {
  std::int64_t left = nanoseconds_until(time);
  do
    if (attempt_for(lock, left, attempt)) return true;
  while ((left = nanoseconds_until(time)) > 0);
  return false;
}

}  // namespace sigsafe::detail
