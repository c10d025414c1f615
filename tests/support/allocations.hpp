// Counts the allocations of a program, those of the C library and of the dynamic linker too.
// To be included by one file of an executable.
#pragma once

#include <atomic>
#include <cstddef>

namespace test {

inline std::atomic<long> allocations{0};

}  // namespace test

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TEST_SANITIZED 1
#endif
#endif

#if defined(TEST_SANITIZED)

// The sanitizers have replaced malloc, and tell about it.
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
