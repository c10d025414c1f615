// One cell, in a child process.
#pragma once

#include <functional>
#include <memory>

#include <tests/stress/alone.hpp>
#include <tests/stress/scenario.hpp>
#include <tests/stress/stage.hpp>

namespace stress {

/// What makes a scenario for one kit: one of the two.
struct factory {
  std::function<std::unique_ptr<scenario>()> with_workers;
  std::function<std::unique_ptr<lone_scenario>()> alone;
};

/// Runs a cell in a child of this process. idle is called now and then, and says whether to go on.
[[nodiscard]] result run_cell(const cell& what, const factory& make,
                              const std::function<bool(const counters&)>& idle);

}  // namespace stress
