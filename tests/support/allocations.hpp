// Counts the allocations of a program, those of the C library and of the dynamic linker too.
// To be included by one file of an executable.
#pragma once

#include <atomic>
#include <cstddef>

#include <tests/support/sanitizers.hpp>

namespace test {

inline std::atomic<long> allocations{0};

}  // namespace test

#if TEST_REPLACED_MALLOC

// The sanitizer has replaced malloc, and tells about it.
extern "C" void __sanitizer_malloc_hook(const volatile void*, std::size_t) {
  test::allocations.fetch_add(1);
}
extern "C" void __sanitizer_free_hook(const volatile void*) {}

#else

extern "C" {

void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* old, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) {
  test::allocations.fetch_add(1);
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  test::allocations.fetch_add(1);
  return __libc_calloc(count, size);
}
void* realloc(void* old, std::size_t size) {
  test::allocations.fetch_add(1);
  return __libc_realloc(old, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  test::allocations.fetch_add(1);
  return __libc_memalign(alignment, size);
}

}  // extern "C"

#endif
