// Floating-point numbers for fmt. Its own formatter allocates when its buffers are too small, which
// depends on its version; this one calls std::to_chars, which by its specification does not.
#pragma once

#include <sigsafe/config.hpp>

#include <cstddef>

#include <fmt/format.h>

namespace sigsafe::detail {

struct real {
  double value;
  bool is_float;  // the shortest text is another one
};

/// [[fill]align][sign][0][width][.precision][e|E|f|F|g|G], as in fmt. Without a precision and a
/// type it is the shortest text that reads back as the same number.
struct real_format {
  static constexpr int most_precision = 60;

  char fill = ' ';
  char align = '\0';
  char sign = '-';
  bool zeros = false;
  unsigned width = 0;
  int precision = -1;
  char type = '\0';
};

struct real_text {
  // The largest number has 309 digits before its point.
  char text[309 + 1 + real_format::most_precision + 6];
  std::size_t size;
  std::size_t sign_size;
  bool is_finite;
};

/// Safety:   async-signal-safe
SIGSAFE_API real_text text_of(const real& number, const real_format& how) noexcept;

// Their names are what a compiler says.
// NOLINTBEGIN(readability-identifier-naming)
inline void error_a_precision_is_at_most_60() noexcept { __builtin_trap(); }
inline void error_a_number_in_the_format_is_too_large() noexcept { __builtin_trap(); }
inline void error_a_floating_point_number_has_only_the_types_e_f_and_g() noexcept {
  __builtin_trap();
}
// NOLINTEND(readability-identifier-naming)

constexpr bool is_align(char c) noexcept { return c == '<' || c == '>' || c == '^'; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Reads a specification, from behind the colon to the brace; a bad one does not compile.
class real_format_reader {
 public:
  constexpr real_format_reader(const char* begin, const char* end) noexcept
      : at_(begin), end_(end) {}

  constexpr real_format read() noexcept {
    real_format how;
    if (end_ - at_ > 1 && is_align(at_[1])) how.fill = take();
    if (is_align(peek())) how.align = take();
    if (peek() == '+' || peek() == '-' || peek() == ' ') how.sign = take();
    if (peek() == '0') how.zeros = take() != '\0';
    if (is_digit(peek())) how.width = static_cast<unsigned>(number());
    if (peek() == '.') {
      take();
      how.precision = number();
      if (how.precision > real_format::most_precision) error_a_precision_is_at_most_60();
    }
    switch (peek()) {
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G': how.type = take(); break;
      default: break;
    }
    if (peek() != '\0') error_a_floating_point_number_has_only_the_types_e_f_and_g();
    return how;
  }

  [[nodiscard]] constexpr const char* at() const noexcept { return at_; }

 private:
  /// Nothing at the end of the specification.
  [[nodiscard]] constexpr char peek() const noexcept {
    return at_ == end_ || *at_ == '}' ? '\0' : *at_;
  }
  constexpr char take() noexcept { return *at_++; }
  constexpr int number() noexcept {
    int read = 0;
    for (int digits = 0; is_digit(peek()); ++digits) {
      if (digits == 4) error_a_number_in_the_format_is_too_large();
      read = read * 10 + (take() - '0');
    }
    return read;
  }

  const char* at_;
  const char* end_;
};

}  // namespace sigsafe::detail

template <>
struct fmt::formatter<sigsafe::detail::real> {
  constexpr const char* parse(fmt::format_parse_context& context) {
    sigsafe::detail::real_format_reader reader{context.begin(), context.end()};
    how_ = reader.read();
    return reader.at();
  }

  template <class Context>
  auto format(const sigsafe::detail::real& number, Context& context) const {
    const sigsafe::detail::real_text text = text_of(number, how_);
    const std::size_t missing = how_.width > text.size ? how_.width - text.size : 0;
    const bool zeros = how_.zeros && how_.align == '\0' && text.is_finite;
    const std::size_t before = zeros || how_.align == '<' ? 0
                               : how_.align == '^'        ? missing / 2
                                                          : missing;
    auto out = context.out();
    for (std::size_t i = 0; i < before; ++i) *out++ = how_.fill;
    std::size_t written = 0;
    for (; written < text.sign_size; ++written) *out++ = text.text[written];
    for (std::size_t i = 0; zeros && i < missing; ++i) *out++ = '0';
    for (; written < text.size; ++written) *out++ = text.text[written];
    for (std::size_t i = before; !zeros && i < missing; ++i) *out++ = how_.fill;
    return out;
  }

 private:
  sigsafe::detail::real_format how_;
};
