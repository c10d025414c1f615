// Real work: arithmetic that cannot be folded.
#pragma once

namespace benchmarked {

inline unsigned long work(unsigned long seed, int steps) noexcept {
  for (int i = 0; i < steps; ++i) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
  }
  return seed;
}

constexpr unsigned long first_seed = 88172645463325252UL;

}  // namespace benchmarked
