// What the shield counted, for people and for programs.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <sigsafe/shield/report.h>

namespace shield {

/// The file that the processes of the program count into, while it is mapped.
class count_file {
 public:
  /// Makes it, or empties it. Throws std::system_error.
  static count_file make(const std::string& path);
  /// Makes one of a name that nobody else has, which goes when this object does.
  static count_file make_temporary();
  /// Throws std::system_error, or std::runtime_error when it is something else.
  static count_file open(const std::string& path);

  count_file(count_file&& other) noexcept;
  count_file& operator=(count_file&&) = delete;
  ~count_file();

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] const sigsafe_shield_report& counts() const noexcept { return *counts_; }

 private:
  count_file(std::string path, bool is_temporary, const sigsafe_shield_report* counts)
      : path_(std::move(path)), is_temporary_(is_temporary), counts_(counts) {}
  static count_file map(int fd, std::string path, bool is_new, bool is_temporary);

  std::string path_;
  bool is_temporary_;
  const sigsafe_shield_report* counts_;
};

/// A handler of a signal that had to wait for one kind of region.
struct deferrals {
  std::string signal;
  std::string handler;
  std::string region;
  std::uint64_t count;
};

struct report {
  std::vector<deferrals> deferred;  ///< the most frequent first
  std::uint64_t called = 0;         ///< of these, called and not queued again
  std::uint64_t let_in = 0;         ///< of these, let into syslog after a second
  std::uint64_t uncounted = 0;
  std::uint64_t unshielded = 0;
};
report summarise(const sigsafe_shield_report& counts);

/// Sentences and a table, with the end of the last line.
std::string text_of(const report& all);
/// An object, with the end of the line.
std::string json_of(const report& all);

}  // namespace shield
