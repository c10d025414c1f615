#include <sigsafe/shield/launcher/environment.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <sigsafe/shield/launcher/options.hpp>

namespace shield {
namespace {

// From where the program is to where its library is.
#ifndef SHIELD_LIBRARY_FOLDER
#define SHIELD_LIBRARY_FOLDER "../lib"
#endif

constexpr std::string_view separators = " :";

// Those of LD_PRELOAD that are no shield.
std::string others(std::string_view libraries) {
  std::string result;
  while (!libraries.empty()) {
    const std::size_t size = std::min(libraries.find_first_of(separators), libraries.size());
    const std::string_view each = libraries.substr(0, size);
    if (!each.empty() && !each.ends_with(library_name)) result.append(":").append(each);
    libraries.remove_prefix(std::min(size + 1, libraries.size()));
  }
  return result;
}

void set_or_unset(const char* name, const std::string& value) {
  if (value.empty())
    unsetenv(name);
  else
    setenv(name, value.c_str(), 1);
}

}  // namespace

std::string find_library() {
  const std::filesystem::path here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const std::filesystem::path installed =
      (here / SHIELD_LIBRARY_FOLDER / library_name).lexically_normal();
  for (const std::filesystem::path& path : {here / library_name, installed}) {
    if (!std::filesystem::exists(path)) continue;
    if (path.string().find_first_of(separators) != std::string::npos)
      throw std::runtime_error(fmt::format(
          "{} has a space or a colon in its name, which LD_PRELOAD does not take; install it "
          "elsewhere",
          path.string()));
    return path;
  }
  throw std::runtime_error(fmt::format("{} is neither beside this program nor at {}; install both",
                                       library_name, installed.string()));
}

std::string set_environment(const options& wanted, const std::string& library,
                            const std::string& count_file) {
  const char* const set = std::getenv("LD_PRELOAD");
  const std::string_view before = set != nullptr ? set : "";
  setenv("LD_PRELOAD", (library + others(before)).c_str(), 1);
  setenv("SIGSAFE_SHIELD_TIER", std::to_string(wanted.tier).c_str(), 1);
  setenv("SIGSAFE_SHIELD_EXEMPT", wanted.exempt.c_str(), 1);
  set_or_unset("SIGSAFE_SHIELD_REPORT", count_file);
  if (before.find(library_name) == std::string_view::npos) return {};
  return "there is a shield in the environment already; this one takes its place";
}

}  // namespace shield
