#include <sigsafe/src/pins.hpp>

#include <atomic>
#include <cstdint>

#include <sigsafe/detail/futex.hpp>
#include <sigsafe/detail/handler_node.hpp>
#include <sigsafe/src/process.hpp>

namespace sigsafe::detail {
namespace {

constexpr std::uint64_t removal_waits = std::uint64_t{1} << 31;
constexpr std::uint64_t count = removal_waits - 1;

constexpr std::uint32_t generation_of(std::uint64_t word) noexcept {
  return static_cast<std::uint32_t>(word >> 32);
}

constexpr bool is_unpinned(std::uint64_t word, std::uint32_t generation) noexcept {
  return generation_of(word) != generation || (word & count) == 0;
}

// True when nobody is inside; else notes that the removal waits.
bool is_unpinned_or_noted(handler_node& node, std::uint32_t generation) noexcept {
  std::uint64_t word = node.pins.load(std::memory_order_acquire);
  while (!is_unpinned(word, generation))
    if (node.pins.compare_exchange_weak(word, word | removal_waits, std::memory_order_acquire,
                                        std::memory_order_acquire))
      return false;
  return true;
}

}  // namespace

bool is_unpinned(const handler_node& node) noexcept {
  return is_unpinned(node.pins.load(std::memory_order_acquire), process_generation());
}

void pin(handler_node& node, std::uint32_t generation) noexcept {
  std::uint64_t word = node.pins.load(std::memory_order_relaxed);
  std::uint64_t next;
  do {
    next = generation_of(word) == generation ? word + 1 : (std::uint64_t{generation} << 32) + 1;
  } while (!node.pins.compare_exchange_weak(word, next, std::memory_order_acquire,
                                            std::memory_order_relaxed));
}

void unpin(handler_node& node, std::uint32_t generation) noexcept {
  std::uint64_t word = node.pins.load(std::memory_order_relaxed);
  do {
    if (generation_of(word) != generation) return;  // pinned by the parent, before a fork inside
  } while (!node.pins.compare_exchange_weak(word, word - 1, std::memory_order_release,
                                            std::memory_order_relaxed));
  const bool last = (word & count) == 1;
  if (last && (word & removal_waits) != 0) {  // the node may be gone now
    __atomic_fetch_add(&page().departures, 1, __ATOMIC_RELEASE);
    futex_wake(&page().departures);
  }
}

void wait_for_pins(handler_node& node) noexcept {
  const std::uint32_t generation = process_generation();
  for (;;) {
    const std::uint32_t seen = __atomic_load_n(&page().departures, __ATOMIC_ACQUIRE);
    if (is_unpinned_or_noted(node, generation)) return;
    futex_wait(&page().departures, seen);
  }
}

}  // namespace sigsafe::detail
