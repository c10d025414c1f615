// Generic faults in C++ source that is formatted by clang-format: a statement removed, a condition
// negated, two stores exchanged.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sweep {

struct fault {
  std::string kind;     // remove, negate or exchange
  std::string text;     // what it changes, on one line
  std::size_t line;     // from 1
  std::string mutated;  // the whole source
};

/// All of them in the functions of a source, in the order of its lines.
std::vector<fault> faults_of(const std::string& source);

}  // namespace sweep
