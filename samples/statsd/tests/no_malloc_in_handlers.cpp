// Linked into a program, this ends it when one of its handlers allocates or frees memory.
// For glibc, whose own malloc stays reachable under other names.
#include <cstddef>

#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/panic.hpp>

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void __libc_free(void* memory);
}

namespace {

void require_no_handler() noexcept {
  if (sigsafe::detail::current_thread().running.load() != nullptr)
    sigsafe::panic("a handler allocates or frees memory", {nullptr, 0});
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) {
  require_no_handler();
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  require_no_handler();
  return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) {
  require_no_handler();
  return __libc_realloc(memory, size);
}
void free(void* memory) {
  require_no_handler();
  __libc_free(memory);
}

}  // extern "C"
