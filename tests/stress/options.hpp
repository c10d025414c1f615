// What the command line asks for.
#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace stress {

/// A valid command line. Names are known ones, each at most once.
struct options {
  std::vector<std::string> scenarios, backends, sources;  ///< empty: all
  unsigned threads = 0;                                   ///< 0: each scenario's own
  std::uint64_t rate = 0;  ///< signals per second and sender; 0: as fast as it goes
  double seconds = 0;      ///< for each run; 0: the plan's own
  std::uint64_t seed = 0;  ///< parse draws one when none is given
  std::string mutant;      ///< empty: none
  bool self_test = false;
  bool list = false;
  double soak_hours = 0;              ///< 0: no soak
  unsigned shard = 1, shards = 1;     ///< 1 <= shard <= shards
  std::string json_file, junit_file;  ///< empty: none
};

/// The names that there are, for --list and for messages.
struct choices {
  std::vector<std::string> scenarios, backends, sources, mutants;
};

/// Either options, or the exit status of a program that has nothing more to do: 0 after --help,
/// which goes to output, 2 after bad arguments, which are reported on errors.
std::variant<options, int> parse(int argc, const char* const* argv, const choices& known,
                                 std::FILE* errors = stderr, std::FILE* output = stdout);

/// The name that takes the fewest insertions, deletions and replacements of a letter to become what
/// was given, the first of several; none when even that would change most of it.
std::optional<std::string> nearest(std::string_view given, const std::vector<std::string>& names);

}  // namespace stress
