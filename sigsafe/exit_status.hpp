// How a child ended.
#pragma once

#include <sigsafe/config.hpp>

namespace sigsafe {

/// How a child ended, if it has:
///
///     if (const sigsafe::exit_status end = worker.try_wait()) …      // it has ended
///
/// Safety:   async-signal-safe; as thread-safe as an integer
/// Cost:     8 bytes
/// Source:   POSIX.1-2024 waitid
class exit_status {
 public:
  /// It has not ended.
  constexpr exit_status() noexcept = default;

  static constexpr exit_status of_code(int code) noexcept { return {kind::exited, code}; }
  static constexpr exit_status of_signal(int signal, bool dumped_core = false) noexcept {
    return {dumped_core ? kind::dumped : kind::killed, signal};
  }
  /// It has ended, and nobody can tell how.
  static constexpr exit_status of_unknown() noexcept { return {kind::unknown, 0}; }

  /// It has ended, in whatever way.
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return kind_ != kind::running; }

  /// It called exit, or returned from main.
  [[nodiscard]] constexpr bool exited() const noexcept { return kind_ == kind::exited; }
  /// A signal ended it.
  [[nodiscard]] constexpr bool signalled() const noexcept {
    return kind_ == kind::killed || kind_ == kind::dumped;
  }
  /// Other code of this process has taken the status away (a library that calls waitpid(-1)), the
  /// kernel does not keep it (SIGCHLD is ignored, or has SA_NOCLDWAIT), or it is no child of this
  /// process, but of the one that forked it.
  [[nodiscard]] constexpr bool unknown() const noexcept { return kind_ == kind::unknown; }
  /// It exited with 0.
  [[nodiscard]] constexpr bool success() const noexcept { return exited() && number_ == 0; }

  /// The exit status, 0 to 255; -1 when it did not exit.
  [[nodiscard]] constexpr int code() const noexcept { return exited() ? number_ : -1; }
  /// The signal that ended it; 0 when none did.
  [[nodiscard]] constexpr int signal() const noexcept { return signalled() ? number_ : 0; }
  [[nodiscard]] constexpr bool dumped_core() const noexcept { return kind_ == kind::dumped; }

  friend constexpr bool operator==(exit_status, exit_status) noexcept = default;

 private:
  enum class kind { running, exited, killed, dumped, unknown };
  constexpr exit_status(kind what, int number) noexcept : kind_(what), number_(number) {}

  kind kind_ = kind::running;
  int number_ = 0;
};

}  // namespace sigsafe
