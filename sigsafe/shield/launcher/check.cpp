#include <sigsafe/shield/launcher/check.hpp>

#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <sigsafe/shield/launcher/environment.hpp>
#include <sigsafe/shield/launcher/report.hpp>

namespace shield {
namespace {

std::ifstream open_of(int pid, const char* name) {
  const std::string path = fmt::format("/proc/{}/{}", pid, name);
  errno = 0;
  std::ifstream file{path};
  // The kernel asks for the right to see it at the first read of some files.
  if (file && file.peek() != std::ifstream::traits_type::eof()) return file;
  if (access(fmt::format("/proc/{}", pid).c_str(), F_OK) != 0)
    throw std::runtime_error(fmt::format("there is no process {}", pid));
  if (errno == EACCES || errno == EPERM || !file)
    throw std::runtime_error(
        fmt::format("the process {} is not yours to look at; ask as root, or as its user", pid));
  return file;
}

// Where it counts, as it was told when it was started. Empty: it does not.
std::string count_file_of(int pid) {
  constexpr std::string_view name = "SIGSAFE_SHIELD_REPORT=";
  std::ifstream environment = open_of(pid, "environ");
  for (std::string entry; std::getline(environment, entry, '\0');)
    if (entry.starts_with(name)) return entry.substr(name.size());
  return {};
}

}  // namespace

process_check check_process(int pid) {
  process_check result;
  std::ifstream maps = open_of(pid, "maps");
  for (std::string line; !result.is_shielded && std::getline(maps, line);)
    result.is_shielded = line.ends_with(library_name);
  if (!result.is_shielded) return result;
  const std::string file = count_file_of(pid);
  if (file.empty()) return result;
  // It may live in a root folder of its own.
  result.counted = summarise(count_file::open(fmt::format("/proc/{}/root{}", pid, file)).counts());
  return result;
}

}  // namespace shield
