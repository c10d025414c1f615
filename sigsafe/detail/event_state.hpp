// What event and counting_event are made of. One word tells set() all that it needs to know, so
// that whoever wakes up may destroy the event at once.
//
//   value      0 is not set; the futex on which threads sleep
//   sleepers   how many threads wait: never less, in a forked child perhaps more
//   described  a descriptor is out
#pragma once

#include <sigsafe/config.hpp>

#include <cstdint>

#include <sigsafe/detail/deadline.hpp>
#include <sigsafe/detail/futex.hpp>
#include <sigsafe/location.hpp>

namespace sigsafe::detail {

struct event_word {
  static constexpr std::uint64_t value_mask = UINT32_MAX;
  static constexpr std::uint64_t sleeper = std::uint64_t{1} << 32;
  static constexpr std::uint64_t described = std::uint64_t{1} << 63;

  static constexpr std::uint32_t value(std::uint64_t word) noexcept {
    return static_cast<std::uint32_t>(word & value_mask);
  }
  static constexpr bool must_wake(std::uint64_t before) noexcept {
    return value(before) == 0 && before != 0;
  }
};

struct event_state;

/// Wakes who sleeps, and makes the descriptor readable, if there is one.
/// Pre:      the value was 0 in `before`, and is set since
SIGSAFE_API void wake_event(event_state& event, std::uint64_t before) noexcept;

/// Takes back what made the descriptor readable, and then the value, which it returns.
SIGSAFE_API std::uint32_t take_event(event_state& event) noexcept;

/// Sleeps until the value is not 0, at most until monotonic_now() is `deadline`; returns the value,
/// or 0. It is 0 afterwards unless the event keeps it.
/// Errors:   std::system_error when there is no memory for the first sleep of a process
SIGSAFE_API std::uint32_t wait_for_event(event_state& event, std::int64_t deadline, location where);

/// Errors:   std::system_error, as event::fd
SIGSAFE_API int descriptor_of_event(event_state& event);

/// Panics when a thread waits; closes the descriptor.
SIGSAFE_API void destroy_event(event_state& event) noexcept;

// Every change of the word is sequentially consistent: whoever sets the event sees the sleeper and
// the descriptor, or these see that it is set.
struct event_state {
  constexpr explicit event_state(bool keeps_value = false) noexcept : keeps(keeps_value) {}

  alignas(8) std::uint64_t word = 0;
  alignas(8) std::uint64_t descriptor =
      0;                        // the generation of the process that made it, and its number
  std::uint32_t waited_in = 0;  // the generation of the process in which a thread waited first
  bool keeps;                   // a wait leaves the value as it is

  [[nodiscard]] std::uint64_t load() const noexcept {
    return __atomic_load_n(&word, __ATOMIC_SEQ_CST);
  }
  bool change(std::uint64_t& from, std::uint64_t to) noexcept {
    return __atomic_compare_exchange_n(&word, &from, to, true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  }

  /// Also when nothing changes the word is written: who takes the value must see what was written
  /// before each set that it takes.
  void add(std::uint32_t most) noexcept {
    std::uint64_t before = load();
    while (!change(before, event_word::value(before) < most ? before + 1 : before)) {}
    if (event_word::must_wake(before)) [[unlikely]]
      wake_event(*this, before);
  }
};

/// Waits until a time point of any clock, which may be set meanwhile: so it is read again.
template <time_point_like Time>
std::uint32_t wait_for_event_until(event_state& event, const Time& time, location where) {
  for (std::int64_t left = nanoseconds_until(time);; left = nanoseconds_until(time)) {
    const std::int64_t deadline = saturating_sum(monotonic_now(), left);
    if (const std::uint32_t value = wait_for_event(event, deadline, where)) return value;
    if (left == 0) return 0;
  }
}

}  // namespace sigsafe::detail
