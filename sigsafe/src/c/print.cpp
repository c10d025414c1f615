// A printf that is async-signal-safe.
#include <sigsafe/sigsafe.h>

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <sigsafe/src/c/failure.hpp>
#include <sigsafe/src/cancellation.hpp>
#include <sigsafe/src/errno_saver.hpp>

namespace sigsafe::c {
namespace {

constexpr int longest_text = 1024;
constexpr char cut_mark[] = "...";

/// Text that is cut, with a mark, when it becomes too long; the end of its last line stays.
class text {
 public:
  void append(char c) noexcept {
    last_ = c;
    if (size_ < sizeof(characters_))
      characters_[size_++] = c;
    else
      is_cut_ = true;
  }
  void append(const char* characters, std::size_t size) noexcept {
    for (std::size_t i = 0; i < size; ++i) append(characters[i]);
  }
  void append(char c, int times) noexcept {
    for (int i = 0; i < times && !is_cut_; ++i) append(c);
  }

  void finish() noexcept {
    if (!is_cut_) return;
    size_ = sizeof(characters_) - (last_ == '\n' ? 1 : 0);
    std::memcpy(characters_ + size_ - (sizeof(cut_mark) - 1), cut_mark, sizeof(cut_mark) - 1);
    if (last_ == '\n') characters_[size_++] = '\n';
  }

  [[nodiscard]] const char* data() const noexcept { return characters_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  char characters_[longest_text];
  std::size_t size_ = 0;
  bool is_cut_ = false;
  char last_ = '\0';
};

/// What stands between % and the letter.
struct conversion {
  bool left = false, zero = false, plus = false, space = false, alternate = false;
  int width = 0;
  int precision = -1;
  enum class size { character, brief, normal, l, ll, z, j, t } of = size::normal;
};

void append_padded(text& to, const conversion& how, const char* prefix, const char* body,
                   std::size_t size) noexcept {
  const std::size_t prefix_size = std::strlen(prefix);
  const int padding = how.width - static_cast<int>(prefix_size + size);
  if (!how.left && !how.zero) to.append(' ', padding);
  to.append(prefix, prefix_size);
  if (!how.left && how.zero) to.append('0', padding);
  to.append(body, size);
  if (how.left) to.append(' ', padding);
}

void append_number(text& to, conversion how, std::uint64_t number, unsigned base,
                   const char* digits, const char* prefix) noexcept {
  constexpr int most_digits = 64;
  char body[most_digits + 1];
  std::size_t first = sizeof(body);
  const bool is_nothing = number == 0 && how.precision == 0;
  if (!is_nothing) do {
      body[--first] = digits[number % base];
      number /= base;
    } while (number != 0);
  const int wanted = how.precision < most_digits ? how.precision : most_digits;
  while (static_cast<int>(sizeof(body) - first) < wanted) body[--first] = '0';
  // With # an octal number begins with 0, which counts as a digit.
  if (base == 8 && how.alternate && (first == sizeof(body) || body[first] != '0'))
    body[--first] = '0';
  if (how.precision >= 0) how.zero = false;
  append_padded(to, how, prefix, body + first, sizeof(body) - first);
}

std::int64_t signed_of(conversion::size size, va_list& from) noexcept {
  using enum conversion::size;
  switch (size) {
    case character: return static_cast<signed char>(va_arg(from, int));
    case brief: return static_cast<short>(va_arg(from, int));
    // NOLINTBEGIN(bugprone-branch-clone): they differ by their types
    case l: return va_arg(from, long);
    case ll: return va_arg(from, long long);
    case z: return va_arg(from, ssize_t);
    case j: return va_arg(from, intmax_t);
    case t: return va_arg(from, ptrdiff_t);
    // NOLINTEND(bugprone-branch-clone)
    default: return va_arg(from, int);
  }
}

std::uint64_t unsigned_of(conversion::size size, va_list& from) noexcept {
  using enum conversion::size;
  switch (size) {
    case character: return static_cast<unsigned char>(va_arg(from, unsigned));
    case brief: return static_cast<unsigned short>(va_arg(from, unsigned));
    // NOLINTBEGIN(bugprone-branch-clone): they differ by their types
    case l: return va_arg(from, unsigned long);
    case ll: return va_arg(from, unsigned long long);
    case z: return va_arg(from, size_t);
    case j: return va_arg(from, uintmax_t);
    // NOLINTEND(bugprone-branch-clone)
    case t: return static_cast<std::make_unsigned_t<ptrdiff_t>>(va_arg(from, ptrdiff_t));
    default: return va_arg(from, unsigned);
  }
}

const char* parse_flags(const char* at, conversion& how) noexcept {
  for (;; ++at) switch (*at) {
      case '-': how.left = true; break;
      case '0': how.zero = true; break;
      case '+': how.plus = true; break;
      case ' ': how.space = true; break;
      case '#': how.alternate = true; break;
      default: return at;
    }
}

// A number, or * for an argument. What is longer than any text is as good as that.
const char* parse_number(const char* at, int& number, va_list& from) noexcept {
  if (*at == '*') {
    number = va_arg(from, int);
    return at + 1;
  }
  number = 0;
  for (; *at >= '0' && *at <= '9'; ++at)
    if (number <= longest_text) number = number * 10 + (*at - '0');
  return at;
}

const char* parse_size(const char* at, conversion::size& size) noexcept {
  using enum conversion::size;
  switch (*at) {
    case 'h': return size = at[1] == 'h' ? character : brief, at + (at[1] == 'h' ? 2 : 1);
    case 'l': return size = at[1] == 'l' ? ll : l, at + (at[1] == 'l' ? 2 : 1);
    case 'z': return size = z, at + 1;
    case 'j': return size = j, at + 1;
    case 't': return size = t, at + 1;
    default: return at;
  }
}

const char* parse_conversion(const char* at, conversion& how, va_list& from) noexcept {
  at = parse_flags(at, how);
  at = parse_number(at, how.width, from);
  if (how.width < 0) {
    how.left = true;
    how.width = how.width > -longest_text ? -how.width : longest_text;
  }
  if (*at == '.') {
    at = parse_number(at + 1, how.precision, from);
    if (how.precision < 0) how.precision = -1;
  }
  return parse_size(at, how.of);
}

void append_string(text& to, conversion how, const char* string) noexcept {
  if (string == nullptr) string = "(null)";
  how.zero = false;
  const int most = how.precision < 0 ? longest_text + 1 : how.precision;
  append_padded(to, how, "", string, strnlen(string, static_cast<std::size_t>(most)));
}

const char* sign_of(const conversion& how, std::int64_t number) noexcept {
  return number < 0 ? "-" : how.plus ? "+" : how.space ? " " : "";
}

/// False when the letter is none that is known here.
bool append_conversion(text& to, char letter, conversion how, va_list& from) noexcept {
  const bool has_size = how.of != conversion::size::normal;
  if (has_size && (letter == 'p' || letter == 'c' || letter == 's' || letter == '%')) return false;
  constexpr const char* small = "0123456789abcdef";
  constexpr const char* large = "0123456789ABCDEF";
  switch (letter) {
    case 'd':
    case 'i': {
      const std::int64_t number = signed_of(how.of, from);
      const auto bits = static_cast<std::uint64_t>(number);
      append_number(to, how, number < 0 ? 0 - bits : bits, 10, small, sign_of(how, number));
      return true;
    }
    case 'u': append_number(to, how, unsigned_of(how.of, from), 10, small, ""); return true;
    case 'o': append_number(to, how, unsigned_of(how.of, from), 8, small, ""); return true;
    case 'x':
    case 'X': {
      const std::uint64_t number = unsigned_of(how.of, from);
      const char* const prefix = !how.alternate || number == 0 ? "" : letter == 'x' ? "0x" : "0X";
      append_number(to, how, number, 16, letter == 'x' ? small : large, prefix);
      return true;
    }
    case 'p': {
      const auto address = reinterpret_cast<std::uintptr_t>(va_arg(from, void*));
      append_number(to, how, address, 16, small, "0x");
      return true;
    }
    case 'c': {
      const char c = static_cast<char>(va_arg(from, int));
      how.zero = false;
      append_padded(to, how, "", &c, 1);
      return true;
    }
    case 's': append_string(to, how, va_arg(from, const char*)); return true;
    case '%': to.append('%'); return true;
    default: return false;
  }
}

bool format_into(text& to, const char* format, va_list& from) noexcept {
  for (; *format != '\0'; ++format) {
    if (*format != '%') {
      to.append(*format);
      continue;
    }
    conversion how;
    format = parse_conversion(format + 1, how, from);
    if (!append_conversion(to, *format, how, from)) return false;
  }
  to.finish();
  return true;
}

/// Returns 0 or the error.
int write_all(int fd, const char* data, std::size_t size) noexcept {
  while (size > 0) {
    const ssize_t written = write(fd, data, size);
    if (written == 0) return EIO;  // it would be so for ever
    if (written > 0) {
      data += written;
      size -= static_cast<std::size_t>(written);
    } else if (errno == EAGAIN) {
      pollfd writable{fd, POLLOUT, 0};
      poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace
}  // namespace sigsafe::c

int sigsafe_vprint(int fd, const char* format, va_list arguments) noexcept {
  const sigsafe::detail::errno_saver saver;
  const sigsafe::detail::uncancellable_scope uncancellable;
  va_list from;
  va_copy(from, arguments);
  sigsafe::c::text text;
  const bool is_known = sigsafe::c::format_into(text, format, from);
  va_end(from);
  if (!is_known)
    return sigsafe::c::fail(EINVAL,
                            "sigsafe: sigsafe_print does not know a conversion of its format; its "
                            "documentation lists them");
  const int error = sigsafe::c::write_all(fd, text.data(), text.size());
  if (error == 0) return 0;
  return sigsafe::c::fail(error, "sigsafe: sigsafe_print could not write to its descriptor");
}

int sigsafe_print(int fd, const char* format, ...) noexcept {
  va_list arguments;
  va_start(arguments, format);
  const int error = sigsafe_vprint(fd, format, arguments);
  va_end(arguments);
  return error;
}
