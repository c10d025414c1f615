// What the preload library is told, and where it is.
#pragma once

#include <string>

#include <sigsafe/shield/launcher/options.hpp>

namespace shield {

constexpr const char* library_name = "libsigsafe-shield.so";

/// Beside this program, or where it was installed. Throws std::runtime_error when it is not there,
/// or when the dynamic linker would not take such a name.
std::string find_library();

/// For this process and those that it starts. Returns a warning, or nothing.
std::string set_environment(const options& wanted, const std::string& library,
                            const std::string& count_file);

}  // namespace shield
