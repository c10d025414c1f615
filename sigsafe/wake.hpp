// Why a sleep came back.
#pragma once

#include <sigsafe/config.hpp>

namespace sigsafe {

/// Why a guard's poll came back.
enum class wake {
  handler,  ///< a handler ran; descriptors may be ready too, the next poll tells
  ready,    ///< a descriptor has events
  timeout,  ///< the time was up
};

}  // namespace sigsafe
