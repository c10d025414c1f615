// A line of text for one write(2): nothing here allocates, and a text that is too long is cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sigsafe::detail {

/// Safety:   async-signal-safe
template <std::size_t Size>
class line {
 public:
  /// To begin anew; the memory is not worth clearing.
  void clear() noexcept { size_ = 0; }

  void append(std::string_view text) noexcept {
    for (char c : text) {
      if (size_ == Size - 1) return;
      text_[size_++] = c;
    }
  }

  void append_number(std::uint64_t number) noexcept { append_digits(number, 10); }
  void append_number(std::int64_t number) noexcept {
    if (number < 0) append("-");
    const auto bits = static_cast<std::uint64_t>(number);
    append_digits(number < 0 ? 0 - bits : bits, 10);
  }
  void append_number(unsigned number) noexcept { append_number(std::uint64_t{number}); }
  void append_number(int number) noexcept { append_number(std::int64_t{number}); }

  void append_hexadecimal(std::uint64_t number) noexcept {
    append("0x");
    append_digits(number, 16);
  }

  /// What somebody else has chosen, and should not break the line.
  void append_printable(std::string_view text) noexcept {
    for (const char& c : text) append(c > ' ' && c <= '~' ? std::string_view{&c, 1} : "?");
  }

  /// The whole so far.
  [[nodiscard]] std::string_view view() const noexcept { return {text_, size_}; }

  /// The whole, with the end of the line.
  std::string_view end() noexcept {
    text_[size_++] = '\n';
    return {text_, size_};
  }

  /// The whole, without an end of the line, for who takes a string of C.
  const char* c_str() noexcept {
    text_[size_] = '\0';
    return text_;
  }

 private:
  void append_digits(std::uint64_t number, unsigned base) noexcept {
    char digits[20];
    std::size_t first = sizeof(digits);
    do {
      digits[--first] = "0123456789abcdef"[number % base];
      number /= base;
    } while (number != 0);
    append(std::string_view{digits + first, sizeof(digits) - first});
  }

  char text_[Size];
  std::size_t size_ = 0;
};

}  // namespace sigsafe::detail
