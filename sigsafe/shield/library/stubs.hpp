// What the kernel gets in the place of a handler.
#pragma once

#include <signal.h>
#include <stddef.h>

namespace shield {

using handler_function = void(int, siginfo_t*, void*);

/// How many pairs of a handler and its SA_SIGINFO there can be.
constexpr size_t most_stubs = 512;
/// No stub.
constexpr size_t no_stub = most_stubs;

/// Its number, the same whenever it is asked for the same pair; no_stub when all are taken. Stubs
/// are never given back: the kernel, and what saved it, may have one for as long as the process
/// lives.
size_t stub_for(handler_function* handler, bool takes_info) noexcept;
handler_function* address_of_stub(size_t stub) noexcept;

/// Which stub that is; no_stub when it is another function.
size_t stub_at(handler_function* address) noexcept;
handler_function* handler_of(size_t stub) noexcept;
bool takes_info(size_t stub) noexcept;

/// A signal has come while its thread was in a region.
void arrive(int signal, siginfo_t* info, void* context, size_t stub) noexcept;

}  // namespace shield
