// What the configuration says of one service.
#pragma once

#include <signal.h>

#include <chrono>
#include <string>
#include <vector>

namespace supervisor {

/// What happens when a program has ended by itself.
enum class at_end {
  restart,            ///< it is started again
  restart_if_failed,  ///< the same, unless it exited with 0
  leave,              ///< nothing
  stop_all,           ///< everything is stopped, and the supervisor ends as this program did
};

struct settings {
  std::string name;
  std::vector<std::string> run;
  supervisor::at_end at_end = supervisor::at_end::restart;
  std::chrono::milliseconds back_off{100};
  std::chrono::milliseconds back_off_limit{60'000};
  std::string directory;
  int stop_signal = SIGTERM;
  std::chrono::milliseconds stop_within{5'000};

  friend bool operator==(const settings&, const settings&) = default;
};

}  // namespace supervisor
