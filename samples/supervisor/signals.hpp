// Names of signals, and how a program has ended, in words.
#pragma once

#include <signal.h>

#include <array>
#include <string>
#include <string_view>

#include <sigsafe/exit_status.hpp>

namespace supervisor {

struct signal_name {
  std::string_view name;
  int number;
};

inline constexpr std::array signal_names{
    signal_name{"ABRT", SIGABRT}, signal_name{"ALRM", SIGALRM}, signal_name{"BUS", SIGBUS},
    signal_name{"CONT", SIGCONT}, signal_name{"FPE", SIGFPE},   signal_name{"HUP", SIGHUP},
    signal_name{"ILL", SIGILL},   signal_name{"INT", SIGINT},   signal_name{"KILL", SIGKILL},
    signal_name{"PIPE", SIGPIPE}, signal_name{"QUIT", SIGQUIT}, signal_name{"SEGV", SIGSEGV},
    signal_name{"SYS", SIGSYS},   signal_name{"TERM", SIGTERM}, signal_name{"TRAP", SIGTRAP},
    signal_name{"USR1", SIGUSR1}, signal_name{"USR2", SIGUSR2}, signal_name{"WINCH", SIGWINCH},
    signal_name{"XCPU", SIGXCPU}, signal_name{"XFSZ", SIGXFSZ},
};

/// 0 when there is no such signal. The name is without "SIG".
inline int signal_number(std::string_view name) {
  for (const signal_name& known : signal_names)
    if (known.name == name) return known.number;
  return 0;
}

inline std::string name_of_signal(int number) {
  for (const signal_name& known : signal_names)
    if (known.number == number) return "SIG" + std::string{known.name};
  return "signal " + std::to_string(number);
}

inline std::string in_words(sigsafe::exit_status end) {
  if (end.exited()) return "has exited with " + std::to_string(end.code());
  if (end.signalled()) return "was killed by " + name_of_signal(end.signal());
  return "has ended, and nobody can tell how";
}

}  // namespace supervisor
