#include <sigsafe/detail/real.hpp>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <iterator>

namespace sigsafe::detail {
namespace {

constexpr char upper(char c) noexcept {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

constexpr bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }

std::chars_format format_of(char type) noexcept {
  switch (type) {
    case 'e':
    case 'E': return std::chars_format::scientific;
    case 'f':
    case 'F': return std::chars_format::fixed;
    default: return std::chars_format::general;
  }
}

/// The shortest digits that read back, as d.ddde±xx.
char* write_shortest(char* to, char* end, double magnitude, bool is_float) noexcept {
  constexpr auto format = std::chars_format::scientific;
  return is_float ? std::to_chars(to, end, static_cast<float>(magnitude), format).ptr
                  : std::to_chars(to, end, magnitude, format).ptr;
}

char* append(char* to, const char* text, std::size_t size) noexcept {
  std::memcpy(to, text, size);
  return to + size;
}

char* append_zeros(char* to, int count) noexcept {
  for (; count > 0; --count) *to++ = '0';
  return to;
}

/// As fmt does, which writes the exponents from -4 to 15 out, and zeros behind the digits.
char* write_out(char* to, const char* digits, int count, int exponent) noexcept {
  if (exponent < 0) {
    to = append(to, "0.", 2);
    to = append_zeros(to, -exponent - 1);
    return append(to, digits, static_cast<std::size_t>(count));
  }
  const int whole = exponent + 1;
  if (count <= whole) {
    to = append(to, digits, static_cast<std::size_t>(count));
    return append_zeros(to, whole - count);
  }
  to = append(to, digits, static_cast<std::size_t>(whole));
  *to++ = '.';
  return append(to, digits + whole, static_cast<std::size_t>(count - whole));
}

char* write_usual(char* to, double magnitude, bool is_float) noexcept {
  char shortest[32];
  const char* const end = write_shortest(shortest, std::end(shortest), magnitude, is_float);
  const auto* const mark = static_cast<const char*>(
      std::memchr(shortest, 'e', static_cast<std::size_t>(end - shortest)));
  if (mark == nullptr) return append(to, shortest, static_cast<std::size_t>(end - shortest));
  int exponent = 0;
  std::from_chars(mark + (mark[1] == '+' ? 2 : 1), end, exponent);
  if (exponent < -4 || exponent > 15)
    return append(to, shortest, static_cast<std::size_t>(end - shortest));
  char digits[20];
  int count = 0;
  for (const char* at = shortest; at != mark; ++at)
    if (*at != '.') digits[count++] = *at;
  return write_out(to, digits, count, exponent);
}

char* write_magnitude(char* to, char* end, const real& number, const real_format& how) noexcept {
  const double magnitude = std::fabs(number.value);
  if (how.type == '\0' && how.precision < 0) return write_usual(to, magnitude, number.is_float);
  constexpr int usual_precision = 6;
  const int precision = how.precision < 0 ? usual_precision : how.precision;
  return std::to_chars(to, end, magnitude, format_of(how.type), precision).ptr;
}

}  // namespace

real_text text_of(const real& number, const real_format& how) noexcept {
  real_text made;
  char* to = made.text;
  if (std::signbit(number.value))
    *to++ = '-';
  else if (how.sign != '-')
    *to++ = how.sign;
  made.sign_size = static_cast<std::size_t>(to - made.text);
  made.is_finite = std::isfinite(number.value);
  char* const end = write_magnitude(to, made.text + sizeof(made.text), number, how);
  made.size = static_cast<std::size_t>(end - made.text);
  if (is_upper(how.type))
    for (; to != end; ++to) *to = upper(*to);
  return made;
}

}  // namespace sigsafe::detail
