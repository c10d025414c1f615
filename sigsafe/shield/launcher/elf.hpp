// What an executable file says about itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace shield {

struct elf_file {
  bool is_elf = false;
  std::uint8_t word_size = 0;  ///< ELFCLASS32, ELFCLASS64
  std::uint16_t machine = 0;   ///< EM_X86_64, …
  std::string interpreter;     ///< the dynamic linker; empty for a static program
  bool is_go = false;
  std::vector<std::string> libraries;  ///< those that it names itself
  std::vector<std::string> functions;  ///< those that it defines for libraries to find
};

/// Throws std::system_error when the file cannot be read. A file that is cut off or contradicts
/// itself has what could be read of it.
elf_file read_elf(const std::string& path);

/// The function that begins there, counted from where the file begins in memory; empty when the
/// file is not to be read, or says nothing of it.
std::string function_at(const std::string& path, std::uint64_t offset);

}  // namespace shield
