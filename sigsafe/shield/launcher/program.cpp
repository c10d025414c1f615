#include <sigsafe/shield/launcher/program.hpp>

#include <elf.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <sigsafe/shield/launcher/elf.hpp>

namespace shield {
namespace {

/// 0, or why it cannot be executed.
int error_of(const std::string& path) {
  struct stat about{};
  if (stat(path.c_str(), &about) != 0) return errno;
  if (S_ISDIR(about.st_mode)) return EACCES;
  return access(path.c_str(), X_OK) == 0 ? 0 : errno;
}

judgement unshielded(std::string reason) { return {false, true, std::move(reason)}; }

judgement without_library(std::string reason) { return {false, false, std::move(reason)}; }

/// The kernel gives its process rights that the caller lacks. The dynamic linker takes no library
/// from the environment of such a program.
bool gains_rights(const std::string& path) {
  struct stat about{};
  if (stat(path.c_str(), &about) != 0) return false;
  if ((about.st_mode & S_ISUID) != 0 && about.st_uid != getuid()) return true;
  if ((about.st_mode & S_ISGID) != 0 && (about.st_mode & S_IXGRP) != 0 && about.st_gid != getgid())
    return true;
  std::array<char, 64> capabilities;
  return getuid() != 0 && getxattr(path.c_str(), "security.capability", capabilities.data(),
                                   capabilities.size()) > 0;
}

std::string name_of_machine(const elf_file& file) {
  const int bits = file.word_size == ELFCLASS32 ? 32 : 64;
  switch (file.machine) {
    case EM_X86_64: return bits == 32 ? "x32" : "x86-64";
    case EM_386: return "i386";
    case EM_AARCH64: return "aarch64";
    case EM_ARM: return "arm";
    case EM_RISCV: return fmt::format("riscv{}", bits);
    default: return fmt::format("another processor (number {}, {} bits)", file.machine, bits);
  }
}

template <class Names, class Condition>
bool any_of(const Names& names, Condition condition) {
  return std::any_of(names.begin(), names.end(), condition);
}

bool is_of_glibc(std::string_view interpreter) {
  const std::string_view name = interpreter.substr(interpreter.rfind('/') + 1);
  return name.starts_with("ld-linux") || name.starts_with("ld64") || name == "ld.so.1";
}

judgement judge_elf(const elf_file& file, const elf_file& library) {
  if (file.word_size != library.word_size || file.machine != library.machine)
    return without_library(fmt::format("it is a program for {}, and this shield is for {}",
                                       name_of_machine(file), name_of_machine(library)));
  if (file.interpreter.empty())
    return unshielded("it is statically linked: no library can be put in front of its own");
  if (!is_of_glibc(file.interpreter))
    return without_library(
        fmt::format("its C library is not glibc: its dynamic linker is {}", file.interpreter));
  if (file.is_go)
    return unshielded("it is a Go program, which installs its handlers without the C library");
  const auto is_asan = [](std::string_view name) {
    return name.starts_with("libasan.so") || name == "__asan_init";
  };
  if (any_of(file.libraries, is_asan) || any_of(file.functions, is_asan))
    return without_library(
        "it was built with AddressSanitizer, which does not start behind another library");
  if (any_of(file.functions, [](std::string_view name) { return name == "malloc"; }))
    return {true, true, "it has an allocator of its own, in which its handlers may run"};
  return {};
}

/// Of "#!/usr/bin/perl -w": "/usr/bin/perl". Empty when the file names none.
std::string interpreter_of_script(const std::string& path) {
  std::ifstream file{path};
  std::string line;
  if (!std::getline(file, line) || !line.starts_with("#!")) return {};
  const std::size_t begin = line.find_first_not_of(" \t", 2);
  if (begin == std::string::npos) return {};
  return line.substr(begin, line.find_first_of(" \t\r", begin) - begin);
}

judgement judge_file(const std::string& path, const std::string& library, int most_scripts) {
  if (gains_rights(path))
    return unshielded("it runs with rights of its own (setuid, setgid, or capabilities)");
  const elf_file file = read_elf(path);
  if (file.is_elf) return judge_elf(file, read_elf(library));
  std::string interpreter = interpreter_of_script(path);
  if (interpreter.empty()) interpreter = default_shell;
  if (most_scripts == 0) return unshielded("it is a script for a script for a script");
  judgement result = judge_file(interpreter, library, most_scripts - 1);
  if (!result.reason.empty()) result.reason = fmt::format("{}: {}", interpreter, result.reason);
  return result;
}

}  // namespace

bool needs_shell(const std::string& path) {
  return !read_elf(path).is_elf && interpreter_of_script(path).empty();
}

found_program find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    const int error = error_of(name);
    return {error == 0 ? name : std::string{}, error};
  }
  const char* const set = std::getenv("PATH");
  const std::string_view folders = set != nullptr ? set : "/bin:/usr/bin";
  int error = ENOENT;
  for (std::size_t begin = 0; begin <= folders.size();) {
    const std::size_t end = std::min(folders.find(':', begin), folders.size());
    std::string path{folders.substr(begin, end - begin)};
    path += path.empty() ? "./" : "/";
    path += name;
    const int here = error_of(path);
    if (here == 0) return {path, 0};
    if (here == EACCES) error = EACCES;
    begin = end + 1;
  }
  return {{}, name.empty() ? ENOENT : error};
}

judgement judge(const std::string& path, const std::string& library) {
  constexpr int most_scripts = 4;  // as the kernel
  return judge_file(path, library, most_scripts);
}

}  // namespace shield
