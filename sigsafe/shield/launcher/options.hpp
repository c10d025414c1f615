// What sigsafe-shield is asked to do.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace shield {

struct options {
  enum class task { start, check, show };
  task wanted = task::start;
  int tier = 3;
  std::string exempt = "PROF";  ///< as the library takes it: names with commas between them
  bool reports = false;
  std::string report_file;  ///< empty: to the standard error output
  std::string count_file;   ///< counts stay there, and nobody waits for the end
  bool requires_shield = false;
  bool json = false;
  int pid = 0;                       ///< of task::check
  std::string shown_file;            ///< of task::show
  std::vector<std::string> program;  ///< with its arguments
};

/// The arguments cannot be carried out; the text says what to do instead.
struct bad_arguments : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What they ask for; nothing when they asked for help or the version, which has been printed then.
/// Throws bad_arguments.
std::optional<options> parse(int count, char** arguments);

}  // namespace shield
