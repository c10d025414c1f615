// What the daemon knows about the current interval: tables of fixed size, so that handlers can read
// and clear them without an allocation.
//
// An update changes several words. A handler that runs between two of them finds numbers that
// contradict each other: consistent() looks for that, and the builds that protect the state must
// never see it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "protocol.hpp"

namespace statsd {

/// From names to values, in the order of their arrival. Names are never removed.
template <class Value, std::size_t Capacity>
class table {
 public:
  struct entry {
    metric_name name;
    Value value;
  };

  /// The value of this name, which is new if need be; null when there is no room for a new one.
  constexpr Value* find_or_add(const metric_name& name) noexcept {
    std::size_t slot = name.hash() % slots_.size();
    for (; slots_[slot] != 0; slot = (slot + 1) % slots_.size()) {
      entry& candidate = entries_[slots_[slot] - 1];
      if (candidate.name.hash() == name.hash() && candidate.name.view() == name.view())
        return &candidate.value;
    }
    if (size_ == Capacity) return nullptr;
    entries_[size_].name = name;
    slots_[slot] = static_cast<std::uint16_t>(++size_);
    return &entries_[size_ - 1].value;
  }

  [[nodiscard]] constexpr std::span<entry> entries() noexcept { return {entries_.data(), size_}; }
  [[nodiscard]] constexpr std::span<const entry> entries() const noexcept {
    return {entries_.data(), size_};
  }

 private:
  static_assert(Capacity < 0xffff);

  std::array<entry, Capacity> entries_{};
  std::array<std::uint16_t, 2 * Capacity> slots_{};  // 0, or 1 + the index of an entry
  std::size_t size_ = 0;
};

struct counter {
  std::uint64_t updates = 0;
  double sum = 0;

  constexpr void apply(const update& u) noexcept {
    ++updates;
    sum += u.value * u.weight;
  }
  constexpr void clear() noexcept { *this = {}; }
  [[nodiscard]] constexpr bool consistent() const noexcept { return updates != 0 || sum == 0; }
};

/// A gauge keeps its value from one interval to the next.
struct gauge {
  std::uint64_t updates = 0;
  double value = 0;

  constexpr void apply(const update& u) noexcept {
    ++updates;
    value = u.what == update::kind::gauge_change ? value + u.value : u.value;
  }
  constexpr void clear() noexcept { updates = 0; }
  [[nodiscard]] constexpr bool consistent() const noexcept { return true; }
};

/// Sums are exact for all values of the interval; percentiles know the first `capacity` of them.
struct timer {
  static constexpr std::size_t capacity = 2048;

  std::uint64_t updates = 0;
  double weight = 0;
  double sum = 0;
  double sum_squares = 0;
  double lower = 0;
  double upper = 0;
  std::size_t size = 0;
  std::array<double, capacity> values{};

  constexpr void apply(const update& u) noexcept {
    lower = updates == 0 ? u.value : std::min(lower, u.value);
    upper = updates == 0 ? u.value : std::max(upper, u.value);
    ++updates;
    weight += u.weight;
    sum += u.value;
    sum_squares += u.value * u.value;
    if (size < capacity) values[size++] = u.value;
  }
  constexpr void clear() noexcept {
    updates = 0;
    weight = sum = sum_squares = lower = upper = 0;
    size = 0;
  }
  [[nodiscard]] constexpr bool consistent() const noexcept {
    if (size != std::min<std::uint64_t>(updates, capacity)) return false;
    if (updates > capacity) return true;
    double again = 0;  // in the order in which it was added up, so the result has to be the same
    for (std::size_t i = 0; i < size; ++i) again += values[i];
    return again == sum;
  }
};

/// Counts different members by their hashes; two members with the same 64-bit hash count as one.
struct set {
  static constexpr std::size_t capacity = 4096;

  std::uint64_t updates = 0;
  std::size_t size = 0;
  std::array<std::uint64_t, 2 * capacity> slots{};  // 0, or a hash

  /// False when there is no room for a new member.
  constexpr bool apply(const update& u) noexcept {
    ++updates;
    const std::uint64_t hash = u.member == 0 ? 1 : u.member;
    std::size_t slot = hash % slots.size();
    for (; slots[slot] != 0; slot = (slot + 1) % slots.size())
      if (slots[slot] == hash) return true;
    if (size >= capacity) return false;
    slots[slot] = hash;
    ++size;
    return true;
  }
  constexpr void clear() noexcept {
    if (size != 0) slots.fill(0);
    size = 0;
    updates = 0;
  }
  [[nodiscard]] constexpr bool consistent() const noexcept { return size <= updates; }
};

/// All metrics of an interval.
struct metrics {
  table<counter, 1024> counters;
  table<gauge, 1024> gauges;
  table<timer, 128> timers;
  table<set, 32> sets;
  std::uint64_t packets = 0;
  std::uint64_t bad_lines = 0;
  std::uint64_t updates = 0;         // of well-formed lines
  std::uint64_t without_metric = 0;  // those of them whose name found no room
  std::uint64_t without_member = 0;  // those of them whose member found no room in its set

  constexpr void apply(const update& u) noexcept {
    ++updates;
    bool applied = false;
    switch (u.what) {
      case update::kind::counter: applied = apply_in(counters, u); break;
      case update::kind::gauge:
      case update::kind::gauge_change: applied = apply_in(gauges, u); break;
      case update::kind::timing: applied = apply_in(timers, u); break;
      case update::kind::set: applied = apply_in(sets, u); break;
    }
    if (!applied) ++without_metric;
  }

  /// Ends the interval. Gauges keep their values.
  constexpr void clear() noexcept {
    for_each_table(*this, [](auto& table) {
      for (auto& entry : table.entries()) entry.value.clear();
    });
    packets = bad_lines = updates = without_metric = without_member = 0;
  }

  /// Whether the numbers agree with each other, as they do between two updates.
  [[nodiscard]] constexpr bool consistent() const noexcept {
    std::uint64_t found = without_metric;
    bool all = true;
    for_each_table(*this, [&](const auto& table) {
      for (const auto& entry : table.entries()) {
        found += entry.value.updates;
        all = all && entry.value.consistent();
      }
    });
    return all && found == updates;
  }

 private:
  template <class Self, class F>
  static constexpr void for_each_table(Self& self, F function) noexcept {
    function(self.counters);
    function(self.gauges);
    function(self.timers);
    function(self.sets);
  }

  template <class Table>
  constexpr bool apply_in(Table& table, const update& u) noexcept {
    auto* const value = table.find_or_add(u.name);
    if (value == nullptr) return false;
    if constexpr (requires { bool{value->apply(u)}; })
      without_member += value->apply(u) ? 0u : 1u;
    else
      value->apply(u);
    return true;
  }
};

}  // namespace statsd
