// What the wait of every backend has in common.
#pragma once

#include <sigsafe/panic.hpp>

namespace sigsafe::detail {

/// A backend's wait may take the caller's place, for its panics.
template <class B, class State>
void wait_on(State outside, location where) noexcept {
  if constexpr (requires { B::wait(outside, where); })
    B::wait(outside, where);
  else
    B::wait(outside);
}

/// The precondition of wait, as the backends without an operating system check it.
inline void require_outermost(bool outermost, location where) noexcept {
  if (!outermost) [[unlikely]]
    panic(
        "wait in a nested guard would enable what the outer one disabled; end the other guards, "
        "locks and borrows of this CPU first, and do not wait in an interrupt handler",
        where);
}

}  // namespace sigsafe::detail
