// What lies at an address: the program, a shared object, or no code at all.
#pragma once

#include <sigsafe/config.hpp>

#include <cstddef>
#include <cstdint>

namespace sigsafe::detail::system {

struct place {
  std::uintptr_t address;
  std::uintptr_t offset;  // in the object, as addr2line takes it
  char object[31];        // the last part of its path, cut; empty when it is not known
  bool is_code;           // it can be executed
};

/// Fills in the rest of each place. What is not known stays as it is.
/// Safety:   async-signal-safe: it asks the kernel, because the dynamic linker's list may be half
///           changed, and its lock taken
void find_objects(place* places, std::size_t size) noexcept;

}  // namespace sigsafe::detail::system
