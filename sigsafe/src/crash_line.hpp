// The line about a crash.
#pragma once

#include <sigsafe/config.hpp>

#include <sigsafe/crash.hpp>

namespace sigsafe::detail {

enum class crash_line_kind {
  whole,
  crashed_again,  // the crash handler has crashed: nothing is looked up
};

bool write_crash_line(const crash_info& crash, int fd, crash_line_kind kind) noexcept;

}  // namespace sigsafe::detail
