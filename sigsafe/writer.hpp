// Lines of formatted text, written by handlers too.
#pragma once

#include <sigsafe/config.hpp>

#include <cstddef>
#include <type_traits>

#include <fmt/format.h>

#include <sigsafe/detail/format_argument.hpp>
#include <sigsafe/detail/format_text.hpp>

namespace sigsafe {
namespace detail {

/// What writers of every size share.
class SIGSAFE_API line_writer {
 public:
  line_writer(int fd, char* buffer, std::size_t room) noexcept
      : fd_(fd), buffer_(buffer), room_(room) {}
  line_writer(const line_writer&) = delete;
  line_writer& operator=(const line_writer&) = delete;

  int add(fmt::string_view text, fmt::format_args arguments) noexcept;
  int flush() noexcept;
  [[nodiscard]] int error() const noexcept { return error_; }
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  bool write_lines() noexcept;
  void take(std::size_t size) noexcept;
  void cut(bool line_goes_on) noexcept;
  [[nodiscard]] std::size_t free_room() const noexcept;

  int fd_;
  int error_ = 0;
  bool skips_ = false;  // the rest of a line that was cut
  char* buffer_;
  std::size_t room_;
  std::size_t size_ = 0;
};

}  // namespace detail

/// Collects formatted text in a buffer of its own, and writes it to a descriptor, in whole lines:
///
///     sigsafe::writer<4096> out{fd};
///     for (const job& each : jobs) out.print("{} {:.3f}\n", each.name, each.seconds);
///     if (const int error = out.flush()) …
///
/// A line is written by one write(2), together with others that are in the buffer. One that has
/// more than Room - 7 bytes is cut, and ends with " [cut]"; what the same call prints behind that
/// is lost, up to the end of its last line. The kernel may take a line in pieces; the rest is
/// written then, also when a handler interrupts that.
///
/// After an error nothing more is written, and what is printed is dropped.
///
/// What can be formatted: bool, char, integers, float, double; const char* (null is "(null)"),
/// std::string, std::string_view; void*; what sigsafe has a formatter for (formatters.hpp), and
/// types with sigsafe::has_safe_formatter. Everything else does not compile, nor does a width or a
/// precision that is an argument, and "L". A float or double takes [[fill]align][sign][0][width]
/// [.precision][e|f|g], with a fill of one byte, a width up to 9999, a precision up to 60, and
/// without "#".
/// Safety:   async-signal-safe, but no two threads, and no thread and its handlers, may use one at
///           a time; errno is kept; no cancellation point
/// Errors:   print and flush return an errno value, 0 when all went well: EAGAIN when a descriptor
///           that does not block has no room, which may leave a part of a line behind; EBADF, EIO,
///           ENOSPC, … A pipe without a reader sends SIGPIPE, a file that may not grow SIGXFSZ,
///           unless a discard_guard is there
/// Cost:     Room bytes, here; a system call when the buffer is full, and to flush
/// Source:   POSIX.1-2024 write
template <std::size_t Room = 1024>
class writer {
  static_assert(Room >= 64, "sigsafe::writer: there must be room for a line, 64 bytes at least");

 public:
  explicit writer(int fd) noexcept : lines_(fd, buffer_, Room) {}
  writer(const writer&) = delete;
  writer& operator=(const writer&) = delete;
  /// Writes what is left. To learn about errors, flush before.
  ~writer() { lines_.flush(); }

  /// Formats as fmt::print does, without an end of the line. Returns the error of the writer, 0
  /// when there is none.
  template <class... Args>
  int print(detail::format_text<std::type_identity_t<Args>...> text, const Args&... args) noexcept {
    return print_mapped(text.get(), detail::as_argument(args)...);
  }

  /// Writes what is left, also when its line has no end yet. Returns the first error of all.
  int flush() noexcept { return lines_.flush(); }

  /// The first error, as an errno value; 0 when there is none.
  [[nodiscard]] int error() const noexcept { return lines_.error(); }

  [[nodiscard]] int fd() const noexcept { return lines_.fd(); }

 private:
  template <class... Mapped>
  int print_mapped(fmt::string_view text, const Mapped&... mapped) noexcept {
    return lines_.add(text, fmt::make_format_args(mapped...));
  }

  detail::line_writer lines_;
  char buffer_[Room];
};

/// Formats a text and writes it, by one write(2):
///
///     sigsafe::print(STDERR_FILENO, "{}: {} after {:.1f} s\n", name, info, seconds);
///
/// What can be formatted, and what is cut: see writer, which this is one of, with 1024 bytes.
/// Safety:   async-signal-safe, thread-safe; errno is kept; no cancellation point
/// Errors:   returns an errno value, 0 when all of it was written; see writer
/// Cost:     one system call; 1 KiB of stack, and as much for formatting
/// Source:   POSIX.1-2024 write
template <class... Args>
int print(int fd, detail::format_text<std::type_identity_t<Args>...> text,
          const Args&... args) noexcept {
  writer<> out{fd};
  out.print(text, args...);
  return out.flush();
}

}  // namespace sigsafe
