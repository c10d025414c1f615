// The second way to the same result: the program is traced and stepped from outside, one process a
// run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <tests/injection/runner/supervise.hpp>

namespace injection {

/// The instructions between the marks, by single steps.
std::vector<std::uint64_t> step_through(const program& tested, const program_list& list,
                                        const subject_entry& subject, std::size_t most);

/// Steps to an instruction, sends the variant's only signal there and lets the program go on.
/// Empty, or what is wrong.
std::string step_and_send(const program& tested, const program_list& list,
                          const subject_entry& subject, const std::vector<std::uint64_t>& steps,
                          std::size_t index, int signal, const std::string& variant);

}  // namespace injection
