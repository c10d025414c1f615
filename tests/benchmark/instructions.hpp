// How many instructions an operation executes, in a loop: the loop's own are not among them.
#pragma once

#include <vector>

#include <tests/benchmark/operations.hpp>
#include <tests/benchmark/results.hpp>
#include <tests/support/instructions.hpp>

namespace benchmarked {

template <class Prepare, class Operation>
long instructions_of_round(Prepare prepare, Operation operation) {
  const auto repeated = [&](int times) {
    return test::count_instructions(prepare, [&](auto&) {
      for (int i = 0; i < times; ++i) operation();
    });
  };
  constexpr int few = 100, many = 200;
  return (repeated(many) - repeated(few)) / (many - few);
}

template <class Prepare, class Operation>
long instructions_of(Prepare prepare, Operation operation) {
  return instructions_of_round(prepare, operation) -
         instructions_of_round([] { return 0; }, [] { barrier(); });
}

template <class Hold>
long instructions_of_hold() {
  return instructions_of([] { return 0; },
                         [] {
                           const Hold held;
                           barrier();
                         });
}

/// Of the operations that docs/explanation/performance.md takes apart.
std::vector<instructions> count_all_instructions();

}  // namespace benchmarked
