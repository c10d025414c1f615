// The end of a thread.
#pragma once

namespace shield {

/// With the start of the program.
void watch_threads() noexcept;

}  // namespace shield
