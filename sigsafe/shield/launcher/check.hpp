// Whether a running process is shielded.
#pragma once

#include <optional>

#include <sigsafe/shield/launcher/report.hpp>

namespace shield {

struct process_check {
  bool is_shielded = false;
  std::optional<report> counted;  ///< what it counts, if it was asked to
};

/// Throws std::runtime_error when there is no such process, or when it is none of this user's.
process_check check_process(int pid);

}  // namespace shield
