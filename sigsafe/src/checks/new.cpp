// operator new and delete, so that reports call them by their names, and see those that do not use
// malloc. Weak, because a program may replace some of them.
#include <cstddef>
#include <new>
#include <type_traits>

#include <sigsafe/src/checks/interpose.hpp>

using std::align_val_t;
using std::nothrow_t;
using std::size_t;

// What comes next has the mangled name, in which size_t is m or j.
#define SIGSAFE_CHECKS_SIZED(before, behind) \
  (std::is_same_v<size_t, unsigned long> ? before "m" behind : before "j" behind)

#define SIGSAFE_CHECKS_OPERATOR(result, which, mangled, parameters, exceptions, ...)  \
  SIGSAFE_API __attribute__((weak)) result operator which parameters exceptions {     \
    static constinit void* next = nullptr;                                            \
    return sigsafe::checks::check_and_call<result>("operator " #which, mangled, next, \
                                                   __VA_ARGS__);                      \
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
