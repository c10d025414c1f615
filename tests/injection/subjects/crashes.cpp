// The line about a crash is the same line, whatever interrupts its writing; and so is the one of
// whoever interrupts it.
#include <sigsafe/crash.hpp>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>

#include <sigsafe/handler.hpp>
#include <sigsafe/signal_info.hpp>

#include <tests/injection/subject.hpp>

namespace injection::crashes {

constexpr int crash_signal = SIGSYS;

/// Lines, as they were written.
class line_pipe {
 public:
  line_pipe() {
    if (pipe2(ends_, O_NONBLOCK | O_CLOEXEC) != 0) std::abort();
  }
  [[nodiscard]] int writer() const noexcept { return ends_[1]; }
  /// Empties the pipe; what was in it, and a zero behind that.
  const char* take() noexcept {
    const ssize_t size = read(ends_[0], text_.data(), text_.size() - 1);
    text_[size > 0 ? static_cast<std::size_t>(size) : 0] = '\0';
    return text_.data();
  }

 private:
  int ends_[2];
  std::array<char, 8192> text_{};
};

/// To find out what code lies at an address takes more instructions than can be stepped through.
inline sigsafe::signal_info without_registers(const siginfo_t& info) noexcept {
  return sigsafe::signal_info{info};
}

/// All handlers write lines, too.
class writes_a_line : public subject {
 public:
  void reset() override {
    lines_.take();
    others_.take();
    written_ = false;
  }
  void in_handler(const sigsafe::signal_info& info) noexcept override {
    const int error = errno;
    sigsafe::crash_info{without_registers(info.native())}.write_to(others_.writer());
    errno = error;
  }
  const char* check() override {
    const char* const line = lines_.take();
    if (!written_) return "a line about a crash was not written";
    if (known_.empty()) known_ = line;
    if (line != known_) return "a line about a crash was not whole";
    for (const char* other = others_.take(); *other != '\0';) {
      const char* const end = std::strchr(other, '\n');
      if (std::strncmp(other, "sigsafe: SIG", 12) != 0 || end == nullptr)
        return "a line of a handler that came in between was not whole";
      other = end + 1;
    }
    return nullptr;
  }

 protected:
  void write_line() noexcept {
    const int error = errno;
    siginfo_t info{};
    info.si_signo = SIGSEGV;
    info.si_code = SEGV_MAPERR;
    written_ = sigsafe::crash_info{without_registers(info)}.write_to(lines_.writer());
    errno = error;
  }

 private:
  line_pipe lines_, others_;
  std::string known_;
  bool written_ = false;
};

class anywhere final : public writes_a_line {
  void operation() override { write_line(); }
};
const registration<anywhere> free_line{"crash/line"};

/// Where a crash_handler writes it: in the handler of a fault, which other faults may interrupt.
class in_a_handler final : public writes_a_line {
  struct report {
    in_a_handler* subject;
    void operator()(const sigsafe::signal_info& info) const noexcept {
      seen.note_handled(info.native());
      subject->write_line();
    }
  };

  void operation() override { send(crash_signal); }

  sigsafe::handler<report> handler_{crash_signal, report{this}};
};
const registration<in_a_handler> reported{"crash/line-in-a-handler"};

}  // namespace injection::crashes
