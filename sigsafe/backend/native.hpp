// The backend that belongs to the target of this compilation, as config.hpp chose it.
#pragma once

#include <sigsafe/config.hpp>

#include <sigsafe/backend/concept.hpp>

#if !defined(SIGSAFE_NATIVE_HEADER)
#error \
    "sigsafe: there is no interrupt backend for this target. Write a type that satisfies \
sigsafe::interrupt_backend (sigsafe/backend/concept.hpp says what it promises), put `namespace \
sigsafe::backend { using native = your_type; }` into a header, and compile with \
-DSIGSAFE_BACKEND_HEADER='\"that_header.hpp\"'. A program without interrupts names sigsafe::backend::none there."
#endif

#include SIGSAFE_NATIVE_HEADER  // IWYU pragma: export

#if defined(SIGSAFE_NATIVE_BACKEND)
namespace sigsafe::backend {
using native = SIGSAFE_NATIVE_BACKEND;
}
#endif

static_assert(sigsafe::interrupt_backend<sigsafe::backend::native>,
              "sigsafe: backend::native must satisfy sigsafe::interrupt_backend");
