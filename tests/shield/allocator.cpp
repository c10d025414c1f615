#include <tests/shield/allocator.hpp>

extern "C" {
void* __libc_malloc(std::size_t size);
void __libc_free(void* memory);
}

namespace shield_test {

[[gnu::visibility("default")]] void (*door)() noexcept = nullptr;
[[gnu::visibility("default")]] volatile bool is_inside = false;

namespace {

struct inside {
  inside() noexcept { is_inside = true; }
  inside(const inside&) = delete;
  inside& operator=(const inside&) = delete;
  ~inside() { is_inside = false; }
};

}  // namespace
}  // namespace shield_test

using namespace shield_test;

extern "C" {

[[gnu::visibility("default")]] void* malloc(std::size_t size) noexcept {
  const inside now;
  if (size == size_with_door && door != nullptr) {
    const auto function = door;
    door = nullptr;
    function();
  }
  return __libc_malloc(size);
}

[[gnu::visibility("default")]] void free(void* memory) noexcept {
  const inside now;
  __libc_free(memory);
}

}  // extern "C"
