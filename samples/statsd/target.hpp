// What the load is sent to: a daemon process, its socket, and its files.
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace statsd {

using steady = std::chrono::steady_clock;

[[noreturn]] inline void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// A folder for one run, which is removed with it.
class scratch_folder {
 public:
  scratch_folder() {
    std::string name = std::filesystem::temp_directory_path() / "statsd-load-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) fail("no temporary folder in $TMPDIR or /tmp");
    path_ = name;
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  ~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string file(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline std::string read_file(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream{name}.rdbuf();
  return std::move(text).str();
}

/// A UDP socket on a free port of 127.0.0.1, to be received from by somebody else.
class server_socket {
 public:
  server_socket() : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    if (fd_ < 0) fail("socket");
    memory(SK_MEMINFO_DROPS);  // fails here and not in a sender's thread
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address_);
    if (bind(fd_, generic(), size) != 0 || getsockname(fd_, generic(), &size) != 0) fail("bind");
  }
  server_socket(const server_socket&) = delete;
  server_socket& operator=(const server_socket&) = delete;
  ~server_socket() { close(fd_); }

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool is_half_full() const {
    return memory(SK_MEMINFO_RMEM_ALLOC) > memory(SK_MEMINFO_RCVBUF) / 2;
  }
  [[nodiscard]] bool is_empty() const { return memory(SK_MEMINFO_RMEM_ALLOC) == 0; }
  [[nodiscard]] std::uint32_t dropped() const { return memory(SK_MEMINFO_DROPS); }

  /// A socket that sends there.
  [[nodiscard]] int connect_to() const {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, reinterpret_cast<const sockaddr*>(&address_), sizeof(address_)) != 0)
      fail("a sender's socket");
    return fd;
  }

 private:
  sockaddr* generic() { return reinterpret_cast<sockaddr*>(&address_); }

  std::uint32_t memory(std::size_t which) const {
    std::array<std::uint32_t, SK_MEMINFO_VARS> numbers{};
    socklen_t size = sizeof(numbers);
    if (getsockopt(fd_, SOL_SOCKET, SO_MEMINFO, numbers.data(), &size) != 0)
      fail("SO_MEMINFO (Linux 4.12 or newer is needed)");
    return numbers[which];
  }

  int fd_;
  sockaddr_in address_{};
};

/// The daemon under test: its process and its standard output.
class daemon_process {
 public:
  daemon_process(const std::string& program, const server_socket& socket,
                 const scratch_folder& folder) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
    out_ = ends[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, folder.file("errors").c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0644);
    posix_spawn_file_actions_adddup2(&actions, socket.fd(), 3);
    std::vector<std::string> words{program,
                                   "--fd",
                                   "3",
                                   "--config",
                                   folder.file("config"),
                                   "--snapshot",
                                   folder.file("snapshot"),
                                   "--reports",
                                   folder.file("reports")};
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const int error =
        posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (error != 0) {
      errno = error;
      fail(program + " cannot be started");
    }
  }
  daemon_process(const daemon_process&) = delete;
  daemon_process& operator=(const daemon_process&) = delete;
  ~daemon_process() {
    if (!ended_) send(SIGKILL);
    if (!ended_) wait();
    close(out_);
  }

  void send(int signal) const { kill(pid_, signal); }

  /// The next line that it prints; empty when it prints none any more or not in time.
  std::string read_line(steady::time_point deadline) {
    std::string line;
    for (char c = 0; c != '\n';) {
      const auto rest = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady::now());
      pollfd readable{out_, POLLIN, 0};
      if (rest.count() <= 0 || poll(&readable, 1, static_cast<int>(rest.count())) != 1 ||
          read(out_, &c, 1) != 1)
        return {};
      line += c;
    }
    return line;
  }

  /// Whether it has ended, by itself. Until wait() its number stays its own.
  [[nodiscard]] bool is_gone() const {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
           info.si_pid != 0;
  }

  /// Its status as of waitpid.
  int wait() {
    int status = 0;
    rusage used{};
    wait4(pid_, &status, 0, &used);
    ended_ = true;
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    cpu_seconds_ = seconds(used.ru_utime) + seconds(used.ru_stime);
    return status;
  }
  [[nodiscard]] double cpu_seconds() const { return cpu_seconds_; }

 private:
  pid_t pid_ = -1;
  int out_ = -1;
  bool ended_ = false;
  double cpu_seconds_ = 0;
};

}  // namespace statsd
