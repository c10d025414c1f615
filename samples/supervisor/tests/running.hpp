// A supervisor that runs, for a test: it says what it does by lines, and so do its programs.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <sigsafe/process.hpp>

namespace supervisor::tests {

/// A folder that lives as long as the object.
class temporary_folder {
 public:
  temporary_folder() {
    if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp does not work");
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/supervisor.XXXXXX";
};

/// The lines of a pipe.
class line_reader {
 public:
  line_reader() {
    std::array<int, 2> ends;
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 does not work");
    input_ = ends[0];
    output_ = ends[1];
  }
  line_reader(const line_reader&) = delete;
  line_reader& operator=(const line_reader&) = delete;
  ~line_reader() {
    close_output();
    close_input();
  }

  [[nodiscard]] int output() const { return output_; }
  void close_output() { close_once(output_); }
  void close_input() { close_once(input_); }

  /// False at the end: every process that could write has ended.
  bool next(std::string& line) {
    for (;;) {
      if (const std::size_t end = text_.find('\n'); end != std::string::npos) {
        line = text_.substr(0, end);
        text_.erase(0, end + 1);
        return true;
      }
      pollfd ready{input_, POLLIN, 0};
      if (poll(&ready, 1, 20'000) == 0) throw std::runtime_error("nothing is said for 20 seconds");
      std::array<char, 4096> part;
      const ssize_t got = read(input_, part.data(), part.size());
      if (got == 0) return false;
      if (got > 0) text_.append(part.data(), static_cast<std::size_t>(got));
    }
  }

 private:
  static void close_once(int& fd) {
    if (fd >= 0) close(fd);
    fd = -1;
  }
  int input_ = -1;
  int output_ = -1;
  std::string text_;
};

/// The path of a program of the tests, with its argument, as a line of the configuration.
inline std::string run(const std::string& what) {
  return "run = " SUPERVISOR_TEST_PROGRAM " " + what + "\n";
}

class running {
 public:
  /// With words before the command, such as those of unshare.
  explicit running(const std::string& config, std::vector<std::string> command = {},
                   sigsafe::spawn_options options = {}) {
    write_config(config);
    command.insert(command.end(), {SUPERVISOR_PROGRAM, config_path()});
    options.output = options.error = log_.output();
    process_ = sigsafe::spawn(command, options);
    log_.close_output();
  }
  running(const running&) = delete;
  running& operator=(const running&) = delete;
  /// After a test that has failed, nothing is left behind.
  ~running() {
    if (process_.kill(SIGTERM)) process_.wait_for(std::chrono::seconds{10});
  }

  [[nodiscard]] std::string config_path() const { return folder_.path() + "/supervisor.conf"; }
  void write_config(const std::string& text) const { std::ofstream{config_path()} << text; }

  void send(int signal) const { process_.kill(signal); }

  /// Reads on until a line contains a text, and returns that line.
  std::string expect(std::string_view part) {
    for (std::string line; log_.next(line);) {
      lines_.push_back(line);
      if (line.find(part) != std::string::npos) return line;
    }
    throw std::runtime_error("it is not said: " + std::string{part});
  }

  /// As expect, if it was not said before.
  void await(std::string_view part) {
    if (count(part) == 0) expect(part);
  }

  /// The process of a service that has been started. A program may speak before the supervisor
  /// does.
  pid_t pid_of(const std::string& service) {
    const std::string start = service + ": is started, as process ";
    for (const std::string& line : lines_)
      if (const std::size_t at = line.find(start); at != std::string::npos)
        return std::stoi(line.substr(at + start.size()));
    expect(start);
    return pid_of(service);
  }

  /// Reads until every process has ended, and tells how the supervisor has.
  sigsafe::exit_status end() {
    for (std::string line; log_.next(line);) lines_.push_back(line);
    return process_.wait();
  }
  sigsafe::exit_status stop() {
    send(SIGTERM);
    return end();
  }
  /// Nobody reads any more.
  sigsafe::exit_status stop_unread() {
    log_.close_input();
    send(SIGTERM);
    return process_.wait();
  }
  sigsafe::exit_status wait_for_supervisor() { return process_.wait(); }

  /// All that was read.
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
  [[nodiscard]] std::size_t count(std::string_view part) const {
    std::size_t found = 0;
    for (const std::string& line : lines_)
      if (line.find(part) != std::string::npos) ++found;
    return found;
  }

 private:
  temporary_folder folder_;
  line_reader log_;
  std::vector<std::string> lines_;
  sigsafe::child process_;
};

}  // namespace supervisor::tests
