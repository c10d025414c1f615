// What the supervisor says, on standard error.
#pragma once

#include <unistd.h>

#include <string>
#include <string_view>

namespace supervisor {

/// One line by one write, so that those of the programs do not come between.
inline void say(std::string_view subject, std::string_view what) {
  std::string line = "supervisor: ";
  line.append(subject).append(": ").append(what).append("\n");
  // There is nowhere to say that nothing can be said.
  [[maybe_unused]] const auto written = write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace supervisor
