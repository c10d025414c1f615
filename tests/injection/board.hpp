// What the runner and the program under test share: an order, and how far it has come. The program
// may be of another instruction set, so every field has a fixed size and place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace injection {

enum class sweep : std::uint32_t { singles, pairs };

struct position {
  std::uint32_t variant = 0;  // of a single signal: its place in the program's list
  std::uint32_t first = 0;    // the instruction
  std::uint32_t second = 0;   // the one behind the first signal, for pairs
};

struct board {
  static constexpr std::uint32_t most_steps = 1 << 17;

  // The order.
  char subject[64];
  sweep kind;
  std::uint32_t variants;  // of single signals: bit n for the n-th of the program's list
  std::uint32_t stride;    // pairs at every so many-th instruction, 1 for all
  std::uint32_t repeats;   // also what does the same at the next instruction
  position from;           // where to go on after a violation

  // The answer. `runs` grows with every run, so that a hang is seen.
  std::uint32_t runs;
  std::uint32_t pairs;
  position at;             // the run that is under way, or that is wrong
  std::uint32_t learning;  // what is under way takes longer than a run
  std::uint32_t finished;
  std::uint32_t steps_of_first;
  std::uint32_t steps_of_second;
  alignas(8) std::int64_t sleeps_at;  // an index, or -1
  alignas(8) std::uint64_t at_address[2];
  char violation[256];  // empty, or what is wrong
  alignas(8) std::uint64_t trace[most_steps];
};
static_assert(std::is_trivially_copyable_v<board>);
static_assert(offsetof(board, at_address) % 8 == 0 && sizeof(position) == 12);

}  // namespace injection
