#include <sigsafe/src/process.hpp>

#include <atomic>
#include <cstdint>
#include <new>

#include <sigsafe/src/system/system.hpp>

namespace sigsafe::detail {

void ensure_page() {
  if (this_process.page.load(std::memory_order_acquire) != nullptr) return;
  void* const memory = system::map_wiped_by_fork(sizeof(process_page));
  auto* const made = ::new (memory) process_page{};
  process_page* expected = nullptr;
  if (!this_process.page.compare_exchange_strong(expected, made, std::memory_order_acq_rel))
    system::unmap(memory, sizeof(process_page));
}

// A fork copies the count, so a generation that was found in memory that came from the parent is
// always smaller than this one.
std::uint32_t new_generation() noexcept {
  const std::uint32_t mine = this_process.generations.fetch_add(1, std::memory_order_relaxed) + 1;
  std::uint32_t known = 0;
  return page().generation.compare_exchange_strong(known, mine, std::memory_order_relaxed) ? mine
                                                                                           : known;
}

}  // namespace sigsafe::detail
