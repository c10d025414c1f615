// Names for addresses of the program under test.
#pragma once

#include <cstdint>
#include <string>

namespace injection {

/// "symbol + offset, file:line", by the binutils; the bare address when they are not there.
std::string name_of(const std::string& path, std::uint64_t address);

}  // namespace injection
