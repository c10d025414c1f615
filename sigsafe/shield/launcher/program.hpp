// The program that is to be started, and whether the shield can help it.
#pragma once

#include <string>

namespace shield {

/// Where execvp would find it.
struct found_program {
  std::string path;  ///< empty: it was not found
  int error = 0;     ///< ENOENT, EACCES, …
};
found_program find_program(const std::string& name);

/// What takes a file that is neither a program nor names its interpreter, as execvp has it.
constexpr const char* default_shell = "/bin/sh";
/// Throws std::system_error when the file cannot be read.
bool needs_shell(const std::string& path);

/// Whom the shield helps, and why not.
struct judgement {
  bool is_shielded = true;
  /// The library stays out of a program that would not start beside it. Others pass it on to the
  /// programs that they start.
  bool has_library = true;
  std::string reason;  ///< empty when there is nothing to say
};

/// It looks at the file only, and at the interpreter of a script. Throws std::system_error when the
/// file cannot be read.
judgement judge(const std::string& path, const std::string& library);

}  // namespace shield
