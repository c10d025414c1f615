// Programs that tests start, what they write, and what is left of them.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

#include <sigsafe/process.hpp>
#include <sigsafe/signal_set.hpp>

namespace test {

/// A pipe whose ends are close-on-exec.
class cloexec_pipe {
 public:
  cloexec_pipe() {
    if (pipe2(ends_, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category());
  }
  cloexec_pipe(const cloexec_pipe&) = delete;
  cloexec_pipe& operator=(const cloexec_pipe&) = delete;
  ~cloexec_pipe() {
    for (int end : ends_)
      if (end >= 0) close(end);
  }
  [[nodiscard]] int reader() const noexcept { return ends_[0]; }
  [[nodiscard]] int writer() const noexcept { return ends_[1]; }
  void close_writer() noexcept { close(std::exchange(ends_[1], -1)); }

  /// All that is written until nobody can write any more.
  std::string read_all() {
    close_writer();
    std::string all;
    char buffer[4096];
    for (ssize_t size; (size = read(reader(), buffer, sizeof(buffer))) != 0;) {
      if (size > 0) all.append(buffer, static_cast<std::size_t>(size));
      if (size < 0 && errno != EINTR) break;
    }
    return all;
  }

 private:
  int ends_[2] = {-1, -1};
};

/// Runs a program to its end; returns what it wrote to standard output.
inline std::string output_of(const sigsafe::string_list& arguments,
                             sigsafe::spawn_options options = {}) {
  cloexec_pipe out;
  options.output = out.writer();
  const sigsafe::child program = sigsafe::spawn(arguments, options);
  return out.read_all();
}

/// A field of /proc/self/status as a program sees it, such as SigBlk.
inline sigsafe::signal_set signals_in(const std::string& status, const std::string& field) {
  const std::size_t at = status.find(field + ":");
  if (at == std::string::npos) return sigsafe::signal_set{SIGKILL};  // which nobody can set
  return sigsafe::signal_set::from_bits(
      std::strtoull(status.c_str() + at + field.size() + 1, nullptr, 16));
}

inline int open_descriptors() {
  DIR* const folder = opendir("/proc/self/fd");
  int count = 0;
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

inline bool has_children() noexcept {
  siginfo_t info;
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

}  // namespace test
