// The operations that `benchmark_operations` measures, in groups.
#pragma once

namespace benchmarked {

inline void barrier() noexcept { asm volatile("" ::: "memory"); }

void register_holds();    ///< guards, mutexes, cells, and what they are measured against
void register_signals();  ///< signals through handlers, and into holds

}  // namespace benchmarked
