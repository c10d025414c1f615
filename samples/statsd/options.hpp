// The daemon's command line.
#pragma once

#include <getopt.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>

namespace statsd {

struct options {
  int port = 8125;
  int fd = -1;  // a socket that the parent has bound already, instead of a port
  std::string config;
  std::string snapshot = "statsd.snapshot";
  std::string reports;  // empty: standard output
};

inline constexpr const char* usage = R"(usage: statsd --config FILE [OPTION...]

Takes statsd metrics over UDP on 127.0.0.1 and reports them as Graphite plain text.

  --config FILE    the configuration; SIGHUP reads it again
  --port N         the UDP port; 0 takes a free one (default 8125)
  --fd N           a UDP socket that the parent has bound and passes on, instead of --port
  --snapshot FILE  where SIGUSR1 writes the interval so far (default statsd.snapshot)
  --reports FILE   where the reports go (default standard output)
  --help           this text

SIGALRM reports at once; SIGTERM and SIGINT stop after a last report.
)";

inline std::optional<int> parse_integer(const char* text, int greatest) {
  int number = 0;
  const char* const end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, number);
  if (error != std::errc{} || stop != end || number < 0 || number > greatest) return std::nullopt;
  return number;
}

/// Nothing, after a message, when the arguments make no sense.
inline std::optional<options> parse_arguments(int argc, char** argv) {
  static constexpr option known[] = {{"config", required_argument, nullptr, 'c'},
                                     {"port", required_argument, nullptr, 'p'},
                                     {"fd", required_argument, nullptr, 'd'},
                                     {"snapshot", required_argument, nullptr, 's'},
                                     {"reports", required_argument, nullptr, 'r'},
                                     {"help", no_argument, nullptr, 'h'},
                                     {nullptr, 0, nullptr, 0}};
  options given;
  const auto number = [](const char* name, int greatest) {
    const auto value = parse_integer(optarg, greatest);
    if (!value)
      std::fprintf(stderr, "statsd: --%s wants a number from 0 to %d, and not \"%s\"\n", name,
                   greatest, optarg);
    return value;
  };
  for (int found; (found = getopt_long(argc, argv, "h", known, nullptr)) != -1;) {
    std::optional<int> value = 0;
    switch (found) {
      case 'c': given.config = optarg; break;
      case 's': given.snapshot = optarg; break;
      case 'r': given.reports = optarg; break;
      case 'p': given.port = (value = number("port", 65535)).value_or(0); break;
      case 'd': given.fd = (value = number("fd", 1'000'000)).value_or(0); break;
      case 'h': std::fputs(usage, stdout); std::exit(0);
      default: value.reset();  // getopt has said what is wrong
    }
    if (!value) return std::nullopt;
  }
  if (optind != argc) {
    std::fprintf(stderr, "statsd: \"%s\" is not an option\n", argv[optind]);
    return std::nullopt;
  }
  if (given.config.empty()) {
    std::fputs("statsd: --config FILE is missing\n", stderr);
    return std::nullopt;
  }
  return given;
}

}  // namespace statsd
