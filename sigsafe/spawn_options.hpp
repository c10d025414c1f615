// How a program is to be started.
#pragma once

#include <sigsafe/config.hpp>

#include <sys/types.h>

#include <initializer_list>

#include <sigsafe/detail/list.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/string_list.hpp>

namespace sigsafe {

/// Where a descriptor of a child comes from: from one of this process, which may be close-on-exec,
/// or from /dev/null. Said nothing, it is what this process has under the same number.
class descriptor_source {
 public:
  constexpr descriptor_source() noexcept = default;
  constexpr descriptor_source(int fd) noexcept  // NOLINT(*-explicit-*): .input = fd
      : kind_(kind::copied), fd_(fd) {}
  static constexpr descriptor_source null_device() noexcept {
    descriptor_source source;
    source.kind_ = kind::null_device;
    return source;
  }

  [[nodiscard]] constexpr bool is_inherited() const noexcept { return kind_ == kind::inherited; }
  [[nodiscard]] constexpr bool is_null_device() const noexcept {
    return kind_ == kind::null_device;
  }
  [[nodiscard]] constexpr int fd() const noexcept { return fd_; }

 private:
  enum class kind { inherited, copied, null_device };
  kind kind_ = kind::inherited;
  int fd_ = -1;
};

/// A descriptor of a child, beyond the three standard streams.
struct passed_descriptor {
  int number;              ///< in the child
  descriptor_source from;  ///< here
};

/// The blocked signals of a child: as the program has them, or these.
class child_mask {
 public:
  constexpr child_mask() noexcept = default;
  constexpr child_mask(signal_set blocked) noexcept  // NOLINT(*-explicit-*): .blocked = {SIGHUP}
      : is_chosen_(true), blocked_(blocked) {}
  constexpr child_mask(std::initializer_list<int> blocked) noexcept
      : child_mask(signal_set{blocked}) {}

  [[nodiscard]] constexpr bool is_chosen() const noexcept { return is_chosen_; }
  [[nodiscard]] constexpr signal_set blocked() const noexcept { return blocked_; }

 private:
  bool is_chosen_ = false;
  signal_set blocked_;
};

/// Descriptors, each once.
class descriptor_list : public detail::list<passed_descriptor> {
 public:
  descriptor_list() noexcept = default;
  descriptor_list(std::initializer_list<passed_descriptor> passed) {
    for (const passed_descriptor& each : passed) push_back(each);
  }
};

/// How a program is to be started. Written by name, in alphabetical order:
/// {.input = fd, .process_group = 0}. A value, which can be kept and used for many children.
struct spawn_options {
  /// The signals that the child blocks. Said nothing: program_mask().
  child_mask blocked{};
  /// The child's environment begins empty instead of with that of this process.
  bool clear_environment = false;
  /// Descriptors that the child gets: {{.number = 3, .from = listening}}. They may be close-on-exec
  /// here; the numbers may overlap in any way.
  descriptor_list descriptors{};
  /// The working directory of the child; a program and arguments with relative paths are looked for
  /// there. Null: that of this process.
  const char* directory = nullptr;
  /// Variables of the child, "NAME=value", which replace those of the same name; "NAME" alone takes
  /// one away.
  string_list environment{};
  /// Standard error, input and output.
  descriptor_source error{};
  /// The signals that the child ignores. All others have their default action, whatever this
  /// process ignores or handles.
  signal_set ignored{};
  /// The child also gets the descriptors that it was not promised, if they are not close-on-exec:
  /// without it, it gets the standard streams and `.descriptors`, and nothing that a library has
  /// opened without O_CLOEXEC.
  bool inherit_descriptors = false;
  descriptor_source input{};
  /// Those of these that this process ignores stay ignored in the child: with {SIGHUP} what nohup
  /// has started passes it on.
  signal_set keep_ignored{};
  descriptor_source output{};
  /// The child gets this signal when the thread that has started it ends, by itself or with this
  /// process: SIGKILL, so that it does not outlive its parent. 0: none. Also when that was before
  /// the program began. For a thread that lives as long as the process. A program that gets other
  /// rights by its execution (set-user-ID) loses it. Linux: PR_SET_PDEATHSIG, prctl(2).
  int parent_death_signal = 0;
  /// The process group of the child: 0 for one of its own, or the number of one in this session.
  /// Negative: that of this process.
  pid_t process_group = -1;
  /// The file of the program, where it is not the first argument. Null: the first argument.
  const char* program = nullptr;
  /// A program without a slash in its name is looked for in this process's PATH. Otherwise it is a
  /// file in the child's directory.
  bool search_path = true;
  /// The child begins a session, and with it a process group.
  bool session = false;
};

}  // namespace sigsafe
