// Starting programs, and the ends of processes, as the system has them beyond POSIX. A part of
// system.hpp; all of it is async-signal-safe and thread-safe, and no cancellation point.
#pragma once

#include <sigsafe/config.hpp>

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include <sigsafe/exit_status.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/spawn_options.hpp>

namespace sigsafe::detail::system {

/// All that the child needs, prepared, because it shares the memory of this process.
struct program {
  const char* const* paths;  // tried one after the other, as execvp does; ends with null
  const char* const* arguments;
  const char* const* environment;
  const char* directory;           // or null
  passed_descriptor* descriptors;  // in ascending order; the child changes them
  std::size_t descriptors_size;
  bool inherits_descriptors;
  signal_set blocked;
  signal_set ignored;
  signal_set keep_ignored;
  pid_t group;  // as in spawn_options
  bool begins_session;
  int parent_death_signal;
};

/// What did not work.
enum class start_step {
  none,
  process,
  parent_death,
  session,
  group,
  descriptor,
  directory,
  execution
};
struct start_failure {
  start_step step = start_step::none;
  int error = 0;
  int descriptor = 0;          // in the child
  const char* path = nullptr;  // one of paths
};

/// Starts a program, with every signal blocked meanwhile. Returns its pid when it runs. Otherwise
/// 0, and failure tells why; nothing is left then but perhaps the descriptor. The kernel writes
/// that, a pidfd, before the child begins.
pid_t start(const program& wanted, int& descriptor, start_failure& failure) noexcept;

/// Whether there are pidfds that can be waited for.
bool has_process_descriptors() noexcept;

/// How a process has ended.
struct ended_process {
  pid_t pid = 0;       // 0: none has
  exit_status status;  // unknown when it is no child of this process (any more)
};

/// Takes the status of a child, or leaves it. Does not wait.
ended_process end_of(int descriptor, bool take) noexcept;
/// The same for any child, of whatever kind. unknown: this process has no children.
ended_process any_end(bool take) noexcept;
ended_process end_of_pid(pid_t pid) noexcept;

/// Waits for the end of a child.
void await_end_of(int descriptor) noexcept;

/// Returns 0 or the error; errno is kept.
int send_to_process(int descriptor, int signal) noexcept;

/// Gives every signal its default action, but for those that are to be ignored, and those of `keep`
/// that are ignored.
void reset_dispositions(signal_set ignored, signal_set keep) noexcept;

/// From now on the children of descendants that have ended come to this process. Returns 0 or the
/// error; errno is kept.
int become_subreaper() noexcept;

/// When a signal kills this process, there is no core file.
void forgo_core_file() noexcept;

/// Blocks every signal, those of the C library too; and puts a mask back.
std::uint64_t block_everything() noexcept;
void set_whole_mask(std::uint64_t mask) noexcept;

}  // namespace sigsafe::detail::system
