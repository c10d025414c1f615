// An allocator with a door: a library in the place of the C library's allocator, as jemalloc would
// be. An allocation of one size calls a function from inside.
#pragma once

#include <cstddef>
#include <cstdlib>

namespace shield_test {

constexpr std::size_t size_with_door = 77'777;

/// What malloc of that size calls, once.
extern void (*door)() noexcept;
/// True while malloc or free runs.
extern volatile bool is_inside;

inline void call_inside_malloc(void (*function)() noexcept) {
  door = function;
  void* volatile memory = std::malloc(size_with_door);
  std::free(memory);
}

}  // namespace shield_test
