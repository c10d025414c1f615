// What write(2) does in a program, as a test wants it: short, interrupted, or with an error.
// To be included by one file of an executable.
#pragma once

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace test {

/// While one lives, no write reaches the kernel. One at a time, and one thread.
class scripted_writes {
 public:
  /// What the next calls of write return: how many bytes they take at most, or a negative errno
  /// value. Behind these they take everything.
  explicit scripted_writes(std::vector<int> script = {}) : script_(std::move(script)) {
    current_ = this;
  }
  scripted_writes(const scripted_writes&) = delete;
  scripted_writes& operator=(const scripted_writes&) = delete;
  ~scripted_writes() { current_ = nullptr; }

  /// What each call was given, and all that was taken.
  [[nodiscard]] const std::vector<std::string>& calls() const { return calls_; }
  [[nodiscard]] const std::string& taken() const { return taken_; }

  static scripted_writes* current() { return current_; }

  ssize_t write(const void* data, std::size_t size) {
    const std::string text{static_cast<const char*>(data), size};
    const int answer = calls_.size() < script_.size() ? script_[calls_.size()] : INT32_MAX;
    calls_.push_back(text);
    if (answer < 0) {
      errno = -answer;
      return -1;
    }
    const std::string part = text.substr(0, static_cast<std::size_t>(answer));
    taken_ += part;
    return static_cast<ssize_t>(part.size());
  }

 private:
  inline static scripted_writes* current_ = nullptr;

  std::vector<int> script_;
  std::vector<std::string> calls_;
  std::string taken_;
};

}  // namespace test

extern "C" ssize_t write(int fd, const void* data, std::size_t size) {
  if (test::scripted_writes* const script = test::scripted_writes::current())
    return script->write(data, size);
  pthread_testcancel();  // the C library's is a cancellation point
  return syscall(SYS_write, fd, data, size);
}
