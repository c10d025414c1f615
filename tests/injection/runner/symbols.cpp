#include <tests/injection/runner/symbols.hpp>

#include <cstdio>
#include <memory>
#include <sstream>

#include <fmt/format.h>

namespace injection {

namespace {

std::string output_of(const std::string& command) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe{popen(command.c_str(), "r"), &pclose};
  std::string text;
  char buffer[4096];
  while (pipe && std::fgets(buffer, sizeof(buffer), pipe.get()) != nullptr) text += buffer;
  return text;
}

std::string symbol_at(const std::string& path, std::uint64_t address) {
  // Sorted by address: the last one that is not behind it.
  std::istringstream lines{output_of(fmt::format("nm -nC '{}' 2>/dev/null", path))};
  std::uint64_t begin = 0;
  std::string name;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words{line};
    std::uint64_t value;
    char kind;
    if (!(words >> std::hex >> value >> kind) ||
        std::string("tTwWiu").find(kind) == std::string::npos)
      continue;
    if (value > address) break;
    begin = value;
    std::getline(words >> std::ws, name);
  }
  return name.empty() ? std::string{} : fmt::format("{} + {}", name, address - begin);
}

}  // namespace

std::string name_of(const std::string& path, std::uint64_t address) {
  const std::string symbol = symbol_at(path, address);
  if (symbol.empty()) return fmt::format("{:#x}", address);
  std::string line = output_of(fmt::format("addr2line -e '{}' {:#x} 2>/dev/null", path, address));
  line = line.substr(0, line.find_first_of(" \n"));
  if (line.empty() || line.starts_with("?")) return fmt::format("{:#x}, {}", address, symbol);
  return fmt::format("{:#x}, {}, {}", address, symbol, line);
}

}  // namespace injection
