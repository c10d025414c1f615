// The arguments of a program, and its environment.
#pragma once

#include <sigsafe/config.hpp>

#include <cstddef>
#include <initializer_list>

#include <sigsafe/detail/list.hpp>

namespace sigsafe {

namespace detail {

/// Errors:   std::bad_alloc, std::system_error
SIGSAFE_API char* copy_of_text(const char* text, std::size_t size);

/// std::string, std::string_view, …
template <class T>
concept sized_text = requires(const T& text, const char* data, std::size_t size) {
  data = text.data();
  size = text.size();
};

/// A string of whatever kind, while the expression lasts that has made it.
class text_view {
 public:
  constexpr text_view(const char* text) noexcept  // NOLINT(*-explicit-*): it stands for it
      : data_(text), size_(__builtin_strlen(text)) {}
  template <sized_text T>
  constexpr text_view(const T& text) noexcept  // NOLINT(*-explicit-*): as well
      : data_(text.data()), size_(text.size()) {}

  [[nodiscard]] constexpr const char* data() const noexcept { return data_; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }

 private:
  const char* data_;
  std::size_t size_;
};

}  // namespace detail

/// Strings for a program, with copies of their text. It is made from a list of strings of any kinds
/// ({"sh", "-c", command}), from any range of them (std::vector<std::string>, …), and from an array
/// that ends with a null pointer, as main's argv.
/// Safety:   not async-signal-safe, because it allocates; as thread-safe as a std::vector
/// Errors:   std::bad_alloc; std::system_error (EINVAL) for a string with a zero in it, of which
///           the program would see a part
/// Source:   POSIX.1-2024 execve
class string_list {
 public:
  string_list() noexcept = default;
  string_list(std::initializer_list<detail::text_view> strings) : string_list() {
    for (const detail::text_view& each : strings) push_back(each);
  }
  /// Pre:      the array ends with a null pointer
  string_list(const char* const* strings) : string_list() {  // NOLINT(*-explicit-*): argv
    while (*strings != nullptr) push_back(*strings++);
  }
  template <class Range>
    requires requires(const Range& range) { detail::text_view{*range.begin()}; }
  string_list(const Range& strings) : string_list() {  // NOLINT(*-explicit-*): as the others
    for (const auto& each : strings) push_back(each);
  }
  string_list(const string_list& other) : string_list() { append(other); }
  string_list(string_list&& other) noexcept { strings_.swap(other.strings_); }
  string_list& operator=(string_list other) noexcept {
    strings_.swap(other.strings_);
    return *this;
  }
  ~string_list() { clear(); }

  void push_back(detail::text_view text) {
    strings_.reserve_one();
    strings_.push_back(detail::copy_of_text(text.data(), text.size()));
  }
  void append(const string_list& other) {
    for (const char* each : other) push_back(each);
  }
  void clear() noexcept {
    for (char* each : strings_) delete[] each;
    detail::list<char*>{}.swap(strings_);
  }

  [[nodiscard]] const char* const* begin() const noexcept { return strings_.begin(); }
  [[nodiscard]] const char* const* end() const noexcept { return strings_.end(); }
  [[nodiscard]] std::size_t size() const noexcept { return strings_.size(); }
  [[nodiscard]] const char* operator[](std::size_t index) const noexcept {
    return strings_.begin()[index];
  }

 private:
  detail::list<char*> strings_;
};

}  // namespace sigsafe
