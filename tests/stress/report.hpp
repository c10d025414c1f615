// What is printed and written about the results.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include <tests/stress/options.hpp>
#include <tests/stress/result.hpp>

namespace stress {

/// "passed", "violated" or "interrupted".
const char* name_of(verdict ended);

/// A line for each result, and below them one for each violation.
void print_table(std::FILE* to, const std::vector<result>& results);

/// The delays of each backend and source as bars; nothing when there are none. Each row has its own
/// scale, and what occurred at all can be seen.
void print_delays(std::FILE* to, const std::vector<result>& results);

/// An object with the settings, the sums and everything about each result. Its "version" changes
/// when what is in it changes its meaning.
std::string json_of(const std::vector<result>& results, const options& started_with, verdict ended,
                    double seconds);

/// The verdicts in the format that JUnit introduced and CI systems read.
std::string junit_of(const std::vector<result>& results, double seconds);

/// Throws std::system_error, with the path, when not all of it could be written.
void write_file(const std::string& path, const std::string& text);

/// Rounded to two or three digits, such as "812 ns", "4.1 µs" ("us" when the locale is not UTF-8)
/// and "13 ms".
std::string duration_text(std::uint64_t nanoseconds);

/// Such as "1,234,567".
std::string count_text(std::uint64_t number);

}  // namespace stress
