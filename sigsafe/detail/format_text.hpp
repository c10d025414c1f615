// Format strings that are checked when they are compiled, beyond what fmt checks: nothing that they
// ask for may look at the locale or throw.
#pragma once

#include <sigsafe/config.hpp>

#include <cstddef>
#include <string_view>
#include <type_traits>

#include <fmt/format.h>

#include <sigsafe/detail/format_argument.hpp>
#include <sigsafe/detail/real.hpp>

namespace sigsafe::detail {

// Their names are what a compiler says: they are called where only constants can be.
inline void error_L_looks_at_the_locale() noexcept { __builtin_trap(); }
inline void error_a_width_or_precision_must_be_written_in_the_format() noexcept {
  __builtin_trap();
}

constexpr std::size_t bytes_of_character(char first) noexcept {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

/// Goes through the fields of a format string. What is no format at all, fmt says.
class field_checker {
 public:
  /// looks_at_locale: for each argument, whether "L" means the locale to it.
  constexpr field_checker(std::string_view text, const bool* looks_at_locale,
                          std::size_t arguments) noexcept
      : text_(text), looks_at_locale_(looks_at_locale), arguments_(arguments) {}

  constexpr void check() noexcept {
    while (at_ < text_.size()) {
      if (take() != '{') continue;
      if (peek() == '{')
        take();
      else
        check_field();
    }
  }

 private:
  [[nodiscard]] constexpr char peek(std::size_t ahead = 0) const noexcept {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  constexpr char take() noexcept { return text_[at_++]; }

  constexpr void check_field() noexcept {
    const std::size_t index = argument_index();
    if (peek() != ':') return;
    take();
    const std::size_t fill = bytes_of_character(peek());
    if (is_align(peek(fill))) at_ += fill + 1;
    for (; at_ < text_.size() && peek() != '}'; take()) {
      if (peek() == '{') error_a_width_or_precision_must_be_written_in_the_format();
      if (peek() == 'L' && index < arguments_ && looks_at_locale_[index])
        error_L_looks_at_the_locale();
    }
  }

  constexpr std::size_t argument_index() noexcept {
    if (!is_digit(peek())) return next_++;
    std::size_t index = 0;
    while (is_digit(peek()) && index < arguments_)
      index = index * 10 + static_cast<std::size_t>(take() - '0');
    return index;
  }

  std::string_view text_;
  const bool* looks_at_locale_;
  std::size_t arguments_;
  std::size_t at_ = 0;
  std::size_t next_ = 0;
};

/// A format string for these arguments: a string literal becomes one.
template <class... Args>
class format_text {
  static_assert((require_printable<Args>() && ...));

 public:
  template <class Text>
    requires std::is_convertible_v<const Text&, std::string_view>
  // NOLINTNEXTLINE(*-explicit-*): this is what literals are written for
  consteval format_text(const Text& text) : text_(text) {
    constexpr bool looks_at_locale[] = {is_basic<Args>..., false};
    field_checker{text_, looks_at_locale, sizeof...(Args)}.check();
    static_cast<void>(fmt::format_string<argument<Args>...>{text_});
  }

  [[nodiscard]] constexpr fmt::string_view get() const noexcept {
    return {text_.data(), text_.size()};
  }

 private:
  std::string_view text_;
};

}  // namespace sigsafe::detail
