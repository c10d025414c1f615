// The program takes the place of this one, or runs as its child.
#pragma once

#include <string>
#include <vector>

#include <sigsafe/exit_status.hpp>

namespace shield {

/// It returns only when the program cannot be started: the error.
int become(const std::string& path, const std::vector<std::string>& arguments);

/// Starts it, and waits for its end. It gets the signals that others send to this process, and this
/// process stops when it stops. Throws std::system_error when it cannot be started.
sigsafe::exit_status run(const std::string& path, const std::vector<std::string>& arguments);

}  // namespace shield
