// What the launcher reports. Without --report nothing here does anything.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace shield {

/// With the start of the program.
void map_counts() noexcept;

/// A handler has been installed: its name is looked up now, because a deferral cannot.
void name_handler(size_t stub) noexcept;
void count_unshielded_handler() noexcept;

void count_deferral(size_t stub, int signal, uint32_t inside) noexcept;
void count_call(size_t stub, int signal) noexcept;
void count_let_in(size_t stub, int signal) noexcept;

}  // namespace shield
