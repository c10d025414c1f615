// Formatted output: lines that a handler prints are whole, and so is the line that it has
// interrupted; of files that replace each other one is there, whole.
#include <sigsafe/format.hpp>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <string_view>

#include <tests/injection/subject.hpp>

namespace injection::prints {

constexpr std::string_view operations_line = "operation   7 -12.50 {SIGINT, SIGTERM} text 0x1f\n";
constexpr std::string_view handlers_line = "handler  42 3.125 {SIGINT, SIGTERM} ready\n";
constexpr sigsafe::signal_set some{SIGINT, SIGTERM};

/// Handlers print to the descriptor that the operation prints to.
class lines : public subject {
 public:
  void reset() override {
    in_handlers_ = 0;
    wrong_ = nullptr;
    if (ftruncate(fd_, 0) != 0 || lseek(fd_, 0, SEEK_SET) != 0) wrong_ = "no file to print to";
  }

  void in_handler(const sigsafe::signal_info&) noexcept override {
    __atomic_fetch_add(&in_handlers_, 1, __ATOMIC_RELAXED);
    require(sigsafe::print(fd_, "handler {:3} {} {} {}\n", 42, 3.125, some, sigsafe::wake::ready));
  }

  const char* check() override {
    if (wrong_ != nullptr) return wrong_;
    char text[4096];
    const ssize_t size = pread(fd_, text, sizeof(text), 0);
    std::string_view left{text, size < 0 ? 0 : static_cast<std::size_t>(size)};
    int of_operation = 0;
    int of_handlers = 0;
    while (!left.empty()) {
      if (left.starts_with(operations_line)) {
        ++of_operation;
        left.remove_prefix(operations_line.size());
      } else if (left.starts_with(handlers_line)) {
        ++of_handlers;
        left.remove_prefix(handlers_line.size());
      } else {
        return "a line is not as it was printed";
      }
    }
    return of_operation == 1 && of_handlers == in_handlers_ ? nullptr
                                                            : "a line was lost or doubled";
  }

 protected:
  void require(int error) noexcept {
    if (error != 0) wrong_ = "print says that there was an error";
  }
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  int fd_ = memfd_create("prints", 0);
  int in_handlers_ = 0;
  const char* wrong_ = nullptr;
};

class print final : public lines {
  void operation() override {
    require(
        sigsafe::print(fd(), "operation {:3} {:.2f} {} {} {:#x}\n", 7, -12.5, some, "text", 31));
  }
};
const registration<print> one{"print/one-line"};

class writer final : public lines {
  void operation() override {
    sigsafe::writer<> out{fd()};
    out.print("operation {:3} {:.2f} ", 7, -12.5);
    out.print("{} {} {:#x}\n", some, "text", 31);
    require(out.flush());
  }
};
const registration<writer> pieces{"print/in-pieces"};

/// In memory: a disk that is waited for makes ten thousands of runs too slow. A short name: each
/// character is a turn of a loop, through which the injector goes by single steps.
class replaced final : public subject {
 public:
  replaced() {
    if (chdir("/dev/shm") != 0) error_ = errno;
    snprintf(path_, sizeof(path_), "sig%d", getpid());
  }

  void operation() override { replace("operation\n"); }
  void in_handler(const sigsafe::signal_info&) noexcept override { replace("handler\n"); }

  const char* check() override {
    char text[32];
    const int fd = open(path_, O_RDONLY | O_CLOEXEC);
    const ssize_t size = read(fd, text, sizeof(text));
    close(fd);
    unlink(path_);
    if (error_ != 0) return "replace_file says that there was an error";
    const std::string_view content{text, size < 0 ? 0 : static_cast<std::size_t>(size)};
    if (content != "operation\n" && content != "handler\n") return "a file is not whole";
    for (int n = 0; n < 3; ++n) {
      char left[48];
      snprintf(left, sizeof(left), "%s.%d-%d.new", path_, getpid(), n);
      if (unlink(left) == 0) return "a temporary file was left behind";
    }
    return nullptr;
  }

 private:
  void replace(sigsafe::detail::format_text<> text) noexcept {
    const int error =
        sigsafe::replace_file(path_, 0600, [&](auto& out) noexcept { out.template print<>(text); });
    if (error != 0) error_ = error;
  }

  char path_[16];
  int error_ = 0;
};
const registration<replaced> files{"print/replace-file", {.writes_pid = true}};

}  // namespace injection::prints
