#include <sigsafe/panic.hpp>

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include <sigsafe/location.hpp>
#include <sigsafe/src/panic_function.hpp>

namespace sigsafe {
namespace {

// One line for one write(2): nothing here allocates, and a text that is too long is cut.
class line {
 public:
  void append(std::string_view text) noexcept {
    for (char c : text) {
      if (size_ == sizeof(text_) - 1) return;
      text_[size_++] = c;
    }
  }

  void append(unsigned number) noexcept {
    char digits[10];
    std::size_t first = sizeof(digits);
    do {
      digits[--first] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    append(std::string_view{digits + first, sizeof(digits) - first});
  }

  void append(const location& place) noexcept {
    append(place.file);
    append(":");
    append(place.line);
  }

  void write_to(int fd) noexcept {
    text_[size_++] = '\n';
    [[maybe_unused]] const ssize_t written = ::write(fd, text_, size_);
  }

 private:
  char text_[1024];
  std::size_t size_ = 0;
};

void write_line(const panic_info& info) noexcept {
  line out;
  out.append("sigsafe: ");
  if (info.where.file != nullptr) {
    out.append(info.where);
    out.append(": ");
  }
  out.append(info.what);
  if (info.other_label != nullptr && info.other.file != nullptr) {
    out.append("; ");
    out.append(info.other_label);
    out.append(" ");
    out.append(info.other);
  }
  out.write_to(STDERR_FILENO);
}

panic_function or_default(panic_function function) noexcept {
  return function != nullptr ? function : write_line;
}

}  // namespace

void panic(const panic_info& info) noexcept {
  // A handler of SIGABRT that panics too would come back here for ever.
  static constinit std::atomic<pthread_t> panicking{};
  if (panicking.exchange(pthread_self(), std::memory_order_relaxed) == pthread_self())
    std::signal(SIGABRT, SIG_DFL);
  or_default(detail::current_panic_function.load(std::memory_order_acquire))(info);
  std::abort();
}

panic_function set_panic_function(panic_function function) noexcept {
  // The default is no address: it would be that of one of the copies, which may be unloaded.
  if (function == write_line) function = nullptr;
  return or_default(detail::current_panic_function.exchange(function, std::memory_order_acq_rel));
}

}  // namespace sigsafe
