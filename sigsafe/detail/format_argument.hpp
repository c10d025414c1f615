// What may be formatted in a handler, and as what it is given to fmt.
#pragma once

#include <sigsafe/config.hpp>

#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include <fmt/format.h>

#include <sigsafe/detail/real.hpp>

namespace sigsafe {

/// Whether fmt's formatter of a type may be used in a handler: that it calls only what is
/// async-signal-safe, in particular neither allocates nor locks nor throws, and does not look at
/// the locale. So it is for sigsafe's own types. For a type of yours, say so:
///
///     template <>
///     inline constexpr bool sigsafe::has_safe_formatter<point> = true;
template <class T>
inline constexpr bool has_safe_formatter = false;

namespace detail {

// numeric_limits knows the integers of 128 bits, too.
template <class T>
inline constexpr bool is_wide_character =
    std::is_same_v<T, wchar_t> || std::is_same_v<T, char8_t> || std::is_same_v<T, char16_t> ||
    std::is_same_v<T, char32_t>;
template <class T>
inline constexpr bool is_integer =
    std::numeric_limits<std::decay_t<T>>::is_integer && !std::is_class_v<T> && !std::is_enum_v<T> &&
    !is_wide_character<T>;
template <class T>
inline constexpr bool is_real = std::is_same_v<T, float> || std::is_same_v<T, double>;
template <class T>
inline constexpr bool is_c_string =
    std::is_same_v<std::decay_t<T>, char*> || std::is_same_v<std::decay_t<T>, const char*>;
template <class T>
inline constexpr bool is_string =
    std::is_same_v<T, std::string_view> || std::is_same_v<T, fmt::string_view>;
template <class Traits, class Allocator>
inline constexpr bool is_string<std::basic_string<char, Traits, Allocator>> = true;
template <class T>
inline constexpr bool is_address =
    std::is_same_v<T, void*> || std::is_same_v<T, const void*> || std::is_null_pointer_v<T>;

// A scalar that handlers change is read here, once.
template <class T>
using plain = std::conditional_t<std::is_scalar_v<T>, std::remove_cv_t<T>, std::remove_const_t<T>>;

/// What fmt itself formats, by whatever its specification says: "L" is the locale.
template <class T>
inline constexpr bool is_basic =
    is_integer<plain<T>> || is_c_string<plain<T>> || is_string<plain<T>> || is_address<plain<T>>;
template <class T>
inline constexpr bool is_printable =
    is_basic<T> || is_real<plain<T>> || has_safe_formatter<plain<T>>;

template <class T>
consteval bool require_printable() {
  using type = plain<T>;
  static_assert(!std::is_same_v<type, long double>,
                "sigsafe: a long double cannot be formatted in a handler: the C library allocates "
                "for it. Cast it to double");
  static_assert(!is_wide_character<type>,
                "sigsafe: a wide character cannot be formatted. Cast it to char or to a number");
  static_assert(!std::is_enum_v<type> || is_printable<T>,
                "sigsafe: this enumeration cannot be formatted in a handler. Cast it to a number, "
                "or see sigsafe::has_safe_formatter");
  static_assert(!std::is_pointer_v<std::decay_t<type>> || is_printable<T>,
                "sigsafe: a pointer is formatted as an address only when it is a void*. Cast it to "
                "const void*");
  static_assert(std::is_arithmetic_v<type> || std::is_enum_v<type> ||
                    std::is_pointer_v<std::decay_t<type>> || is_printable<T>,
                "sigsafe: this type cannot be formatted in a handler: its formatter may allocate, "
                "lock, throw or look at the locale. What can be formatted is bool, char, integers, "
                "float, double, strings of char, void*, and what sigsafe has a formatter for; for "
                "a type of yours see sigsafe::has_safe_formatter");
  return is_printable<T>;
}

// fmt throws for a null pointer.
inline fmt::string_view view_of(const char* text) noexcept {
  if (text == nullptr) text = "(null)";
  return {text, __builtin_strlen(text)};
}

template <class T>
constexpr decltype(auto) as_argument(const T& value) noexcept {
  using type = plain<T>;
  if constexpr (is_real<type>) {
    return real{value, std::is_same_v<type, float>};
  } else if constexpr (is_integer<type>) {
    return static_cast<type>(value);
  } else if constexpr (is_address<type>) {
    return static_cast<const void*>(value);
  } else if constexpr (is_c_string<type>) {
    return view_of(value);
  } else if constexpr (is_string<type>) {
    return fmt::string_view{value.data(), value.size()};
  } else if constexpr (is_printable<T>) {
    return (value);
  } else {
    return 0;  // it was refused: one error is enough
  }
}

template <class T>
using argument = std::remove_cvref_t<decltype(as_argument(std::declval<const T&>()))>;

}  // namespace detail
}  // namespace sigsafe
