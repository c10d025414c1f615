#pragma once

#include <sigsafe/backend/none.hpp>

namespace sigsafe::backend {
using native = none;
}
