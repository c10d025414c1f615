#include <tests/shield/allocator.hpp>

extern "C" {
void* __libc_malloc(std::size_t size);
void __libc_free(void* memory);
}

namespace shield_test {

[[gnu::visibility("default")]] void (*door)() noexcept = nullptr;
[[gnu::visibility("default")]] volatile bool is_inside = false;

}  // namespace shield_test

using namespace shield_test;

extern "C" {

[[gnu::visibility("default")]] void* malloc(std::size_t size) noexcept {
  if (size == size_with_door && door != nullptr) {
    const auto function = door;
    door = nullptr;
    is_inside = true;
    function();
    is_inside = false;
  }
  return __libc_malloc(size);
}

[[gnu::visibility("default")]] void free(void* memory) noexcept { __libc_free(memory); }

}  // extern "C"
