// The command line.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace supervisor {

struct options {
  bool check = false;
  std::string config;
};

inline constexpr const char* usage = R"(usage: supervisor [--check] FILE

Runs the programs that the configuration FILE names, and starts them again when they end. It may be
the first process of a container (PID 1).

  --check  only says what is wrong with FILE
  --help   this text

SIGHUP         reads FILE again; with a mistake in it, everything stays as it is
SIGTERM        stops the programs, the last one first; so does SIGINT. A second one ends the
               supervisor at once
SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH
               are sent on to the programs
)";

/// Nothing, after a message, when the arguments make no sense.
inline std::optional<options> parse_arguments(int argc, char** argv) {
  options given;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "-h" || argument == "--help") {
      std::fputs(usage, stdout);
      std::exit(0);
    }
    if (argument == "--check") {
      given.check = true;
    } else if (argument.starts_with('-') || !given.config.empty()) {
      std::fprintf(stderr, "supervisor: \"%s\" is not an option\n", argv[i]);
      return std::nullopt;
    } else {
      given.config = argument;
    }
  }
  if (given.config.empty()) {
    std::fputs("supervisor: the configuration FILE is missing\n", stderr);
    return std::nullopt;
  }
  return given;
}

}  // namespace supervisor
