// The function that the program would call without the shield.
#pragma once

#include <dlfcn.h>
#include <stdint.h>

#include <sigsafe/shield/library/thread_state.hpp>

namespace shield {

/// Found by its first caller. Two threads may find it at the same time, and find the same.
template <class Function>
class next_function {
 public:
  constexpr explicit next_function(const char* name) noexcept : name_(name) {}

  template <class... Arguments>
  auto operator()(Arguments... arguments) const noexcept {
    return get()(arguments...);
  }

  Function* get() const noexcept {
    Function* const found = known();
    return found != nullptr ? found : find();
  }
  /// Null: nobody has asked yet.
  Function* known() const noexcept { return __atomic_load_n(&found_, __ATOMIC_ACQUIRE); }

 private:
  [[gnu::noinline]] Function* find() const noexcept {
    const uint32_t before = here.resolving;
    here.resolving = 1;
    auto* const found = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name_));
    here.resolving = before;
    if (found == nullptr) __builtin_trap();  // the C library has it: the build took it from there
    __atomic_store_n(&found_, found, __ATOMIC_RELEASE);
    return found;
  }

  const char* name_;
  mutable Function* found_ = nullptr;
};

}  // namespace shield
