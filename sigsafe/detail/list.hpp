// A list that grows, without <vector>.
#pragma once

#include <cstddef>
#include <type_traits>

namespace sigsafe::detail {

template <class T>
class list {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  list() noexcept = default;
  list(const list& other) : list() {
    for (const T& each : other) push_back(each);
  }
  list(list&& other) noexcept { swap(other); }
  list& operator=(list other) noexcept {
    swap(other);
    return *this;
  }
  ~list() { delete[] data_; }

  /// Errors:   std::bad_alloc; nothing has changed then
  void push_back(T value) {
    reserve_one();
    data_[size_++] = value;
  }
  void reserve_one() {
    if (size_ == capacity_) grow();
  }
  void swap(list& other) noexcept {
    const list_parts mine{data_, size_, capacity_};
    data_ = other.data_, size_ = other.size_, capacity_ = other.capacity_;
    other.data_ = mine.data, other.size_ = mine.size, other.capacity_ = mine.capacity;
  }

  [[nodiscard]] T* begin() noexcept { return data_; }
  [[nodiscard]] T* end() noexcept { return data_ + size_; }
  [[nodiscard]] const T* begin() const noexcept { return data_; }
  [[nodiscard]] const T* end() const noexcept { return data_ + size_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  struct list_parts {
    T* data;
    std::size_t size, capacity;
  };

  void grow() {
    const std::size_t capacity = capacity_ == 0 ? 8 : 2 * capacity_;
    T* const larger = new T[capacity];
    for (std::size_t i = 0; i < size_; ++i) larger[i] = data_[i];
    delete[] data_;
    data_ = larger;
    capacity_ = capacity;
  }

  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace sigsafe::detail
