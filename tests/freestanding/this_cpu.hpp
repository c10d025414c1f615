// Per-CPU storage, as a kernel supplies it for counted nesting.
#pragma once

#include <sigsafe/backend/counted.hpp>
#include <sigsafe/backend/native.hpp>

#include <tests/freestanding/board.hpp>

struct this_cpu {
  using nesting_type = sigsafe::backend::nesting<sigsafe::backend::native>;

  static nesting_type& nesting() noexcept { return of_all[board::cpu()]; }

 private:
  static inline constinit nesting_type of_all[2]{};
};

using counted = sigsafe::backend::counted<sigsafe::backend::native, this_cpu>;
static_assert(sigsafe::counting_backend<counted> && sigsafe::identifying_backend<counted>);
