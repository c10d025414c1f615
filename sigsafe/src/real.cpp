#include <sigsafe/detail/real.hpp>

#include <charconv>
#include <cmath>
#include <cstddef>

namespace sigsafe::detail {
namespace {

constexpr char upper(char c) noexcept {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

constexpr bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }

/// As fmt does, which writes the exponents from -4 to 15 out.
std::chars_format shortest_format(double magnitude) noexcept {
  const bool is_short = magnitude == 0 || (magnitude >= 1e-4 && magnitude < 1e16);
  return is_short ? std::chars_format::fixed : std::chars_format::scientific;
}

std::chars_format format_of(char type) noexcept {
  switch (type) {
    case 'e':
    case 'E': return std::chars_format::scientific;
    case 'f':
    case 'F': return std::chars_format::fixed;
    default: return std::chars_format::general;
  }
}

char* write_magnitude(char* to, char* end, const real& number, const real_format& how) noexcept {
  const double magnitude = std::fabs(number.value);
  if (how.type == '\0' && how.precision < 0) {
    const std::chars_format format = shortest_format(magnitude);
    return number.is_float ? std::to_chars(to, end, static_cast<float>(magnitude), format).ptr
                           : std::to_chars(to, end, magnitude, format).ptr;
  }
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
