// fmt is compiled into this object: no call of it goes through the dynamic linker, which may lock
// when it looks a function up for the first time.
#define FMT_HEADER_ONLY 1

#include <errno.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <iterator>
#include <string_view>

#include <fmt/format.h>

#include <sigsafe/detail/format_text.hpp>
#include <sigsafe/src/cancellation.hpp>
#include <sigsafe/src/errno_saver.hpp>
#include <sigsafe/writer.hpp>

namespace sigsafe::detail {
namespace {

constexpr std::string_view mark = " [cut]\n";

/// Returns an errno value.
int write_whole(int fd, const char* text, std::size_t size) noexcept {
  const uncancellable_scope whole;
  while (size != 0) {
    const ssize_t written = write(fd, text, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    if (written == 0) return EIO;  // it would be so for ever
    text += written;
    size -= static_cast<std::size_t>(written);
  }
  return 0;
}

/// The size without a character of UTF-8 that has lost its end.
std::size_t whole_characters(const char* text, std::size_t size) noexcept {
  constexpr std::size_t longest = 4;
  for (std::size_t length = 1; length <= longest && length <= size; ++length) {
    const auto byte = static_cast<unsigned char>(text[size - length]);
    if ((byte & 0xC0) == 0x80) continue;
    return bytes_of_character(text[size - length]) > length ? size - length : size;
  }
  return size;
}

/// The size of the lines that have an end.
std::size_t whole_lines(const char* text, std::size_t size) noexcept {
  while (size != 0 && text[size - 1] != '\n') --size;
  return size;
}

/// An output iterator that keeps the last character only.
class last_character {
 public:
  using iterator_category = std::output_iterator_tag;
  using difference_type = std::ptrdiff_t;
  using value_type = void;
  using pointer = void;
  using reference = void;

  explicit last_character(char& kept) noexcept : kept_(&kept) {}
  last_character& operator=(char c) noexcept {
    *kept_ = c;
    return *this;
  }
  last_character& operator*() noexcept { return *this; }
  last_character& operator++() noexcept { return *this; }
  last_character operator++(int) noexcept { return *this; }

 private:
  char* kept_;
};

/// Of what was too long: the end may come from an argument.
// NOLINTNEXTLINE(bugprone-exception-escape): what fmt would throw for does not compile
bool ends_with_its_line(fmt::string_view text, fmt::format_args arguments) noexcept {
  char last = '\0';
  fmt::vformat_to(last_character{last}, text, arguments);
  return last == '\n';
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): what fmt would throw for does not compile
int line_writer::add(fmt::string_view text, fmt::format_args arguments) noexcept {
  const errno_saver kept;
  if (error_ != 0) return error_;
  std::size_t room = free_room();
  std::size_t size = fmt::vformat_to_n(buffer_ + size_, room, text, arguments).size;
  if (size > room && write_lines()) {
    room = free_room();
    size = fmt::vformat_to_n(buffer_ + size_, room, text, arguments).size;
  }
  if (size <= room) {
    take(size);
  } else {
    take(whole_characters(buffer_ + size_, room));
    cut(!ends_with_its_line(text, arguments));
  }
  return error_;
}

int line_writer::flush() noexcept {
  const errno_saver kept;
  if (error_ == 0) error_ = write_whole(fd_, buffer_, size_);
  size_ = 0;
  return error_;
}

/// Makes room. False when there is no whole line.
bool line_writer::write_lines() noexcept {
  const std::size_t lines = whole_lines(buffer_, size_);
  if (lines == 0) return false;
  error_ = write_whole(fd_, buffer_, lines);
  size_ -= lines;
  std::memmove(buffer_, buffer_ + lines, size_);
  return true;
}

/// What has been formatted behind the text becomes a part of it, but for the rest of a line that
/// was cut.
void line_writer::take(std::size_t size) noexcept {
  char* const from = buffer_ + size_;
  if (skips_) {
    const void* const end = std::memchr(from, '\n', size);
    if (end == nullptr) return;
    const auto skipped = static_cast<std::size_t>(static_cast<const char*>(end) - from) + 1;
    size -= skipped;
    std::memmove(from, from + skipped, size);
    skips_ = false;
  }
  size_ += size;
}

void line_writer::cut(bool line_goes_on) noexcept {
  if (!skips_) {
    std::memcpy(buffer_ + size_, mark.data(), mark.size());
    size_ += mark.size();
  }
  skips_ = line_goes_on;
}

/// There is always room for the mark; behind one there may be no more.
std::size_t line_writer::free_room() const noexcept {
  const std::size_t most = room_ - mark.size();
  return size_ < most ? most - size_ : 0;
}

}  // namespace sigsafe::detail
