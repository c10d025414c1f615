// Runs orders in processes of their own and turns everything that can go wrong into a result.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <tests/injection/board.hpp>

namespace injection {

/// How the program under test is started.
struct program {
  std::string path;
  std::vector<std::string> emulator;  ///< words before the path, such as qemu-aarch64
};

/// A line of the program's list.
struct subject_entry {
  std::string name;
  bool core = false;
  bool sleeps = false;
  bool forks = false;
  bool writes_pid = false;
};

struct program_list {
  std::uint64_t begin = 0;  ///< the marks around an operation
  std::uint64_t end = 0;
  std::vector<std::string> variants;
  std::vector<subject_entry> subjects;
};

/// Throws std::runtime_error when the program does not answer.
program_list list_of(const program& tested);

struct order {
  std::string subject;
  bool pairs = false;
  std::uint32_t variants = ~0u;  ///< of single signals: bit n for the n-th of the list
  std::uint32_t stride = 1;      ///< pairs at every so many-th instruction
  bool repeats = false;          ///< also what does the same at the next instruction
  /// What counts as a hang: so long without progress, asleep or computing. A process that waits for
  /// a processor does not hang.
  std::chrono::milliseconds patience{50};
  unsigned most_violations = 10;  ///< then it is enough
};

struct violation {
  std::string what;
  position at;
  std::uint64_t address[2];
};

struct outcome {
  std::uint32_t instructions = 0;  ///< of the operation
  std::uint64_t runs = 0;
  std::uint64_t pairs = 0;
  std::int64_t sleeps_at = -1;
  std::vector<std::uint64_t> trace;
  std::vector<violation> violations;
};

outcome carry_out(const program& tested, const order& wanted);

/// Starts the program with these arguments; for those who trace it.
[[noreturn]] void execute(const program& tested, const std::vector<std::string>& arguments);

}  // namespace injection
