// std::invoke for one argument. The header that has it, <functional>, is four times as large as all
// the others together, and not every freestanding compiler can read it.
#pragma once

#include <type_traits>
#include <utility>

namespace sigsafe::detail {

/// function(value), value.*function or (value.*function)().
template <class F, class T>
constexpr decltype(auto) invoke(F&& function,
                                T& value) noexcept(std::is_nothrow_invocable_v<F, T&>) {
  using callable = std::remove_cvref_t<F>;
  if constexpr (std::is_member_object_pointer_v<callable>)
    return (value.*function);
  else if constexpr (std::is_member_function_pointer_v<callable>)
    return (value.*function)();
  else
    return std::forward<F>(function)(value);
}

}  // namespace sigsafe::detail
