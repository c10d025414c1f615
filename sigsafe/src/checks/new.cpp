// operator new and delete, so that reports call them by their names, and see those that do not use
// malloc. Weak, because a program may replace some of them.
#include <cstddef>
#include <cstdlib>
#include <new>
#include <type_traits>

#include <sigsafe/src/checks/interpose.hpp>

using std::align_val_t;
using std::nothrow_t;
using std::size_t;

namespace {

// What the C++ library would do. One that is linked statically has no part in a program that finds
// its operators here.
struct without_next {
  void* operator()(size_t size) const {
    return take([=] { return std::malloc(size != 0 ? size : 1); });
  }
  void* operator()(size_t size, align_val_t alignment) const {
    void* memory = nullptr;
    return take([&] {
      return posix_memalign(&memory, static_cast<size_t>(alignment), size != 0 ? size : 1) == 0
                 ? memory
                 : nullptr;
    });
  }
  void* operator()(size_t size, const nothrow_t*) const noexcept try {
    return (*this)(size);
  } catch (...) {
    return nullptr;
  }
  void* operator()(size_t size, align_val_t alignment, const nothrow_t*) const noexcept try {
    return (*this)(size, alignment);
  } catch (...) {
    return nullptr;
  }
  void operator()(void* memory, auto...) const noexcept { std::free(memory); }

  static void* take(auto allocate) {
    for (;;) {
      if (void* const memory = allocate(); memory != nullptr) return memory;
      const std::new_handler make_room = std::get_new_handler();
      if (make_room == nullptr) throw std::bad_alloc();
      make_room();
    }
  }
};

}  // namespace

// What comes next has the mangled name, in which size_t is m or j.
#define SIGSAFE_CHECKS_SIZED(before, behind) \
  (std::is_same_v<size_t, unsigned long> ? before "m" behind : before "j" behind)

#define SIGSAFE_CHECKS_OPERATOR(result, which, mangled, parameters, exceptions, ...)            \
  SIGSAFE_API __attribute__((weak)) result operator which parameters exceptions {               \
    SIGSAFE_CHECKS_NEXT(mangled, true);                                                         \
    return sigsafe::checks::check_and_call_or<result>(without_next{}, "operator " #which, next, \
                                                      __VA_ARGS__);                             \
  }
#define SIGSAFE_CHECKS_NEW(which, code)                                                        \
  SIGSAFE_CHECKS_OPERATOR(void*, which, SIGSAFE_CHECKS_SIZED(code, ""), (size_t size), , size) \
  SIGSAFE_CHECKS_OPERATOR(void*, which, SIGSAFE_CHECKS_SIZED(code, "RKSt9nothrow_t"),          \
                          (size_t size, const nothrow_t& no), noexcept, size, &no)             \
  SIGSAFE_CHECKS_OPERATOR(void*, which, SIGSAFE_CHECKS_SIZED(code, "St11align_val_t"),         \
                          (size_t size, align_val_t alignment), , size, alignment)             \
  SIGSAFE_CHECKS_OPERATOR(                                                                     \
      void*, which, SIGSAFE_CHECKS_SIZED(code, "St11align_val_tRKSt9nothrow_t"),               \
      (size_t size, align_val_t alignment, const nothrow_t& no), noexcept, size, alignment, &no)
#define SIGSAFE_CHECKS_DELETE(which, code)                                                         \
  SIGSAFE_CHECKS_OPERATOR(void, which, code, (void* memory), noexcept, memory)                     \
  SIGSAFE_CHECKS_OPERATOR(void, which, SIGSAFE_CHECKS_SIZED(code, ""),                             \
                          (void* memory, size_t size), noexcept, memory, size)                     \
  SIGSAFE_CHECKS_OPERATOR(void, which, code "RKSt9nothrow_t", (void* memory, const nothrow_t& no), \
                          noexcept, memory, &no)                                                   \
  SIGSAFE_CHECKS_OPERATOR(void, which, code "St11align_val_t",                                     \
                          (void* memory, align_val_t alignment), noexcept, memory, alignment)      \
  SIGSAFE_CHECKS_OPERATOR(void, which, SIGSAFE_CHECKS_SIZED(code, "St11align_val_t"),              \
                          (void* memory, size_t size, align_val_t alignment), noexcept, memory,    \
                          size, alignment)                                                         \
  SIGSAFE_CHECKS_OPERATOR(void, which, code "St11align_val_tRKSt9nothrow_t",                       \
                          (void* memory, align_val_t alignment, const nothrow_t& no), noexcept,    \
                          memory, alignment, &no)

SIGSAFE_CHECKS_NEW(new, "_Znw")
SIGSAFE_CHECKS_NEW(new[], "_Zna")
SIGSAFE_CHECKS_DELETE(delete, "_ZdlPv")
SIGSAFE_CHECKS_DELETE(delete[], "_ZdaPv")
