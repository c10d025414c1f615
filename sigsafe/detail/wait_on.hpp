// Calls the wait of a backend, with the caller's place where the backend wants to know it.
#pragma once

#include <sigsafe/location.hpp>

namespace sigsafe::detail {

template <class B, class Saved>
void wait_on(Saved saved, location where) {
  if constexpr (requires { B::wait(saved, where); })
    B::wait(saved, where);
  else
    B::wait(saved);
}

}  // namespace sigsafe::detail
