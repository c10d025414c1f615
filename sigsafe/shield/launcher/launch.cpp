#include <sigsafe/shield/launcher/launch.hpp>

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include <sigsafe/child.hpp>
#include <sigsafe/exit_status.hpp>
#include <sigsafe/process.hpp>
#include <sigsafe/signal_fd.hpp>
#include <sigsafe/signal_info.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/spawn_options.hpp>
#include <sigsafe/string_list.hpp>
#include <sigsafe/wake_signal.hpp>

namespace shield {
namespace {

sigsafe::signal_set ignored_signals() {
  sigsafe::signal_set ignored;
  for (const int signal : sigsafe::signal_set::all()) {
    struct sigaction found;
    if (sigaction(signal, nullptr, &found) == 0 && found.sa_handler == SIG_IGN)
      ignored.insert(signal);
  }
  return ignored;
}

// What is sent from a terminal is sent to the program too, which is of the same process group.
void pass_on(const sigsafe::signal_info& info, const sigsafe::child& program) {
  const siginfo_t& sent = info.native();
  if (info.number() == SIGCHLD && sent.si_code == CLD_STOPPED && sent.si_pid == program.pid())
    raise(SIGSTOP);
  else if (info.number() != SIGCHLD && sent.si_code <= 0 && sent.si_pid != program.pid())
    program.kill(info.number());
}

}  // namespace

int become(const std::string& path, const std::vector<std::string>& arguments) {
  std::vector<char*> words;
  words.reserve(arguments.size() + 1);
  for (const std::string& each : arguments) words.push_back(const_cast<char*>(each.c_str()));
  words.push_back(nullptr);
  execv(path.c_str(), words.data());
  return errno;
}

sigsafe::exit_status run(const std::string& path, const std::vector<std::string>& arguments) {
  sigsafe::string_list words;
  for (const std::string& each : arguments) words.push_back(each.c_str());
  sigsafe::spawn_options as_this_one;
  as_this_one.blocked = sigsafe::signal_set::blocked();
  as_this_one.inherit_descriptors = true;
  as_this_one.keep_ignored = ignored_signals();
  as_this_one.program = path.c_str();
  sigsafe::signal_fd signals{sigsafe::signal_set::maskable() -
                             sigsafe::signal_set{sigsafe::wake_signal()}};
  sigsafe::child program = sigsafe::spawn(words, as_this_one);
  for (;;) {
    std::array<pollfd, 2> either{{{signals.fd(), POLLIN, 0}, {program.fd(), POLLIN, 0}}};
    poll(either.data(), either.size(), -1);
    signals.drain([&](const sigsafe::signal_info& info) { pass_on(info, program); });
    if (const sigsafe::exit_status end = program.try_wait()) return end;
  }
}

}  // namespace shield
