// The backend of a program that stays in machine mode.
#pragma once

#include <sigsafe/backend/riscv.hpp>

namespace sigsafe::backend {
using native = basic_riscv<riscv_mode::machine>;
}
