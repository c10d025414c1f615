// Tier 1: the allocator, whoever it is: that of the C library, or of a library that the program has
// chosen. Never asleep for long: it always defers. malloc_info and malloc_stats are none: they
// write to a stream.
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sigsafe/shield/library/next_function.hpp>
#include <sigsafe/shield/library/region.hpp>
#include <sigsafe/shield/library/thread_state.hpp>

namespace shield {
namespace {

// To look up the allocator may need memory. This is never given back.
alignas(16) unsigned char first_memory[32 * 1024];
size_t first_used = 0;

void* first_allocate(size_t size) noexcept {
  const size_t padded = (size + 31) / 16 * 16;  // with its size in front of it
  const size_t begin = __atomic_fetch_add(&first_used, padded, __ATOMIC_RELAXED);
  if (padded < size || begin > sizeof(first_memory) || sizeof(first_memory) - begin < padded)
    return nullptr;
  unsigned char* const memory = first_memory + begin;
  memcpy(memory, &size, sizeof(size));
  return memory + 16;
}

bool is_of_first_memory(const void* memory) noexcept {
  const auto address = reinterpret_cast<uintptr_t>(memory);
  const auto begin = reinterpret_cast<uintptr_t>(first_memory);
  return address - begin < sizeof(first_memory);
}

size_t size_in_first_memory(const void* memory) noexcept {
  size_t size;
  memcpy(&size, static_cast<const unsigned char*>(memory) - 16, sizeof(size));
  return size;
}

const next_function<void*(size_t)> next_malloc{"malloc"};
const next_function<void(void*)> next_free{"free"};
const next_function<void*(size_t, size_t)> next_calloc{"calloc"};
const next_function<void*(void*, size_t)> next_realloc{"realloc"};
const next_function<void*(void*, size_t, size_t)> next_reallocarray{"reallocarray"};
const next_function<void*(size_t, size_t)> next_memalign{"memalign"};
const next_function<void*(size_t, size_t)> next_aligned_alloc{"aligned_alloc"};
const next_function<int(void**, size_t, size_t)> next_posix_memalign{"posix_memalign"};
const next_function<void*(size_t)> next_valloc{"valloc"};
const next_function<void*(size_t)> next_pvalloc{"pvalloc"};
const next_function<int(size_t)> next_malloc_trim{"malloc_trim"};
const next_function<int(int, int)> next_mallopt{"mallopt"};
const next_function<struct mallinfo()> next_mallinfo{"mallinfo"};
const next_function<struct mallinfo2()> next_mallinfo2{"mallinfo2"};

struct in_allocator {
  in_allocator() noexcept { enter_region(sigsafe_shield_malloc); }
  in_allocator(const in_allocator&) = delete;
  in_allocator& operator=(const in_allocator&) = delete;
  ~in_allocator() { leave_region(sigsafe_shield_malloc); }
};

// Before anybody has asked for memory, or while the dynamic linker needs some to answer.

[[gnu::noinline, gnu::cold]] void* malloc_at_first(size_t size) noexcept {
  const in_allocator inside;
  return here.resolving != 0 ? first_allocate(size) : next_malloc(size);
}

[[gnu::noinline, gnu::cold]] void* calloc_at_first(size_t count, size_t size) noexcept {
  const in_allocator inside;
  size_t all;
  if (here.resolving == 0) return next_calloc(count, size);
  return __builtin_mul_overflow(count, size, &all) ? nullptr : first_allocate(all);
}

[[gnu::noinline, gnu::cold]] void free_at_first(void* memory) noexcept {
  const in_allocator inside;
  if (!is_of_first_memory(memory)) next_free(memory);
}

}  // namespace
}  // namespace shield

using namespace shield;

#pragma GCC visibility push(default)
extern "C" {

void* malloc(size_t size) noexcept {
  const auto next = next_malloc.known();
  if (next == nullptr) [[unlikely]]
    return malloc_at_first(size);
  const in_allocator inside;
  return next(size);
}

void free(void* memory) noexcept {
  const auto next = next_free.known();
  if (next == nullptr || is_of_first_memory(memory)) [[unlikely]]
    return free_at_first(memory);
  const in_allocator inside;
  next(memory);
}

void* calloc(size_t count, size_t size) noexcept {
  const auto next = next_calloc.known();
  if (next == nullptr) [[unlikely]]
    return calloc_at_first(count, size);
  const in_allocator inside;
  return next(count, size);
}

void* realloc(void* memory, size_t size) noexcept {
  const in_allocator inside;
  if (memory == nullptr) return malloc(size);
  if (!is_of_first_memory(memory)) [[likely]]
    return next_realloc(memory, size);
  void* const moved = malloc(size);
  const size_t before = size_in_first_memory(memory);
  if (moved != nullptr) memcpy(moved, memory, before < size ? before : size);
  return moved;
}

void* reallocarray(void* memory, size_t count, size_t size) noexcept {
  const in_allocator inside;
  size_t all;
  if (memory != nullptr && is_of_first_memory(memory)) {
    if (!__builtin_mul_overflow(count, size, &all)) return realloc(memory, all);
    errno = ENOMEM;
    return nullptr;
  }
  return next_reallocarray(memory, count, size);
}

void* memalign(size_t alignment, size_t size) noexcept {
  const in_allocator inside;
  return next_memalign(alignment, size);
}

void* aligned_alloc(size_t alignment, size_t size) noexcept {
  const in_allocator inside;
  return next_aligned_alloc(alignment, size);
}

int posix_memalign(void** memory, size_t alignment, size_t size) noexcept {
  const in_allocator inside;
  return next_posix_memalign(memory, alignment, size);
}

void* valloc(size_t size) noexcept {
  const in_allocator inside;
  return next_valloc(size);
}

void* pvalloc(size_t size) noexcept {
  const in_allocator inside;
  return next_pvalloc(size);
}

int malloc_trim(size_t pad) noexcept {
  const in_allocator inside;
  return next_malloc_trim(pad);
}

int mallopt(int parameter, int value) noexcept {
  const in_allocator inside;
  return next_mallopt(parameter, value);
}

struct mallinfo mallinfo() noexcept {
  const in_allocator inside;
  return next_mallinfo();
}

struct mallinfo2 mallinfo2() noexcept {
  const in_allocator inside;
  return next_mallinfo2();
}

}  // extern "C"
#pragma GCC visibility pop
