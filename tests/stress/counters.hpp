// What a run counts: in memory that the program shares with the child that runs it, so that it is
// there also when the child hangs or dies.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <numeric>
#include <vector>

namespace stress {

using count = std::atomic<std::uint64_t>;
static_assert(count::is_always_lock_free, "handlers count, so counts must be lock-free");

/// Times in nanoseconds, each counted in the bucket that it falls into: 8 for each power of two, so
/// a bucket's upper bound is at most an eighth above what is in it.
class histogram {
 public:
  static constexpr std::size_t size = 8 * 48;

  void add(std::uint64_t nanoseconds) noexcept {
    buckets_[index(nanoseconds)].fetch_add(1, std::memory_order_relaxed);
    std::uint64_t most = most_.load(std::memory_order_relaxed);
    while (nanoseconds > most &&
           !most_.compare_exchange_weak(most, nanoseconds, std::memory_order_relaxed)) {}
  }

  [[nodiscard]] std::uint64_t of(std::size_t bucket) const noexcept { return buckets_[bucket]; }
  [[nodiscard]] std::uint64_t most() const noexcept { return most_; }

  /// The upper bound of the bucket in which so much of all (0 to 1) is reached; 0 when all are
  /// empty.
  [[nodiscard]] static std::uint64_t bound(const std::vector<std::uint64_t>& buckets,
                                           double part) noexcept {
    const auto all = std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < buckets.size(); ++i) {
      sum += buckets[i];
      if (sum > 0 && static_cast<double>(sum) >= part * static_cast<double>(all)) return upper(i);
    }
    return 0;
  }

  /// The first number above those of a bucket.
  static constexpr std::uint64_t upper(std::size_t bucket) noexcept {
    if (bucket < 8) return bucket + 1;
    const unsigned shift = static_cast<unsigned>(bucket / 8 - 1);
    return (9 + bucket % 8) << shift;
  }
  static constexpr std::size_t index(std::uint64_t value) noexcept {
    if (value < 8) return static_cast<std::size_t>(value);
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - 4;
    const std::size_t bucket = 8 * (shift + 1) + ((value >> shift) & 7);
    return bucket < size ? bucket : size - 1;
  }

 private:
  std::array<count, size> buckets_{};
  count most_{0};
};
static_assert(histogram::index(7) == 7 && histogram::upper(7) == 8);
static_assert(histogram::index(8) == 8 && histogram::upper(8) == 9);
static_assert(histogram::index(1000) == histogram::index(1023) &&
              histogram::upper(histogram::index(1000)) == 1024);

/// All of it is counted where it happens; what sources send, in their channels.
struct counters {
  count operations{0};
  count sent{0};             ///< by a scenario itself: signals that a system call accepted
  count delivered{0};        ///< handlers that ran
  count deferred{0};         ///< of those: in the release that had held them off, or just then
  count lost{0};             ///< of sent: signals that no handler ran for
  count torn{0};             ///< states that should have been whole and were not
  count disorder{0};         ///< real-time payloads that came before an earlier one
  histogram delays;          ///< from sending to the handler, in nanoseconds
  char violation[512] = {};  ///< what else was wrong, empty when nothing; written once
  count has_violation{0};
};

}  // namespace stress
