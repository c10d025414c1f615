// The backend of a kernel that keeps FIQ for what must always come through.
#pragma once

#include <sigsafe/backend/aarch64.hpp>

namespace sigsafe::backend {
using native = basic_aarch64<daif_irq>;
}
