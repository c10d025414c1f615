// Programs that have forked away from their service. The kernel gives them to the supervisor when
// their parent has ended, as PID 1 or as a subreaper.
#pragma once

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include <sigsafe/guard.hpp>
#include <sigsafe/process.hpp>

#include "log.hpp"
#include "service.hpp"
#include "signals.hpp"

namespace supervisor {

/// Takes the status of every child, of services too.
inline void reap() {
  sigsafe::reap_all([](pid_t pid, sigsafe::exit_status end) {
    say("process " + std::to_string(pid), "that had no parent any more " + in_words(end));
  });
}

inline bool has_children() {
  siginfo_t info;
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

/// The numbers of this process's children, by /proc. Nobody else reaps them, so that each number
/// stays the one of its process.
inline std::vector<pid_t> children() {
  std::vector<pid_t> found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc", ignored}) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc{} || stop != name.data() + name.size()) continue;
    std::string line;
    std::getline(std::ifstream{entry.path() / "stat"}, line);
    // "1234 (any name, also with parentheses) S PARENT …"
    const std::size_t behind_name = line.rfind(") ");
    pid_t parent = 0;
    if (behind_name == std::string::npos) continue;
    const char* const digits = line.data() + std::min(behind_name + 4, line.size());
    std::from_chars(digits, line.data() + line.size(), parent);
    if (parent == getpid()) found.push_back(pid);
  }
  return found;
}

/// Asks all that are left to stop, and kills them when the time is up.
inline void end_orphans(clock::duration within) {
  for (const int signal : {SIGTERM, SIGKILL}) {
    std::set<pid_t> told;  // once each: a second SIGTERM means "at once" to many programs
    const auto until = clock::now() + within;
    sigsafe::guard off;
    const bool gone = off.wait_until(until, [&] {
      reap();
      for (const pid_t pid : children())
        if (told.insert(pid).second) kill(pid, signal);
      return !has_children();
    });
    if (gone) return;
  }
  say("orphans", "are left behind; is /proc mounted?");
}

}  // namespace supervisor
