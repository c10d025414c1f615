// The objects that the dynamic linker has loaded: the program and the shared objects. No other file
// knows what they look like.
#pragma once

#include <sigsafe/config.hpp>

#include <cstdint>

namespace sigsafe::detail::system {

/// Does the program have a dynamic linker?
bool has_dynamic_linker() noexcept;

/// Is this code part of the program, and not of a shared object?
bool is_in_the_program() noexcept;

/// What a note says: the number of an ABI, and where the thing is that it describes. Its contents
/// are the distance from there to the thing.
struct note {
  const char* object;  // the path; empty for the program
  std::uint32_t type;
  const void* described;
};

/// Calls function for each note of this owner in the objects of this namespace of the dynamic
/// linker. Returns whether the program is one of them: in a namespace of dlmopen it is not.
bool for_each_note(const char* owner, void (*function)(const note&, void* argument),
                   void* argument) noexcept;

/// Where this object finds a symbol: in the program first, or null. From here on the dynamic linker
/// gives the same answer to every object that asks for it, if the symbol is a unique one.
/// Pre:      has_dynamic_linker()
const void* find(const char* symbol) noexcept;

/// Does the object that contains this address export it under this name?
bool is_exported(const void* address, const char* symbol) noexcept;

}  // namespace sigsafe::detail::system
