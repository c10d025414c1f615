// The kinds of sleep that a guard has.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <system_error>

namespace stress {

/// Its reading end is quiet: nothing ever comes through.
class quiet_pipe {
 public:
  quiet_pipe() {
    if (pipe(ends_) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  }
  quiet_pipe(const quiet_pipe&) = delete;
  quiet_pipe& operator=(const quiet_pipe&) = delete;
  ~quiet_pipe() {
    close(ends_[0]);
    close(ends_[1]);
  }
  [[nodiscard]] int end() const noexcept { return ends_[0]; }

 private:
  int ends_[2] = {-1, -1};
};

/// Sleeps in the guard until a handler has run: in another kind of sleep in each round. A cancelled
/// thread unwinds from it.
template <class Guard>
void sleep_in(Guard& off, std::uint64_t round, const quiet_pipe& quiet) {
  constexpr std::chrono::hours long_enough{1};
  std::array<pollfd, 1> never{pollfd{quiet.end(), POLLIN, 0}};
  // A backend need not have more than wait.
  if constexpr (requires {
                  off.wait_for(long_enough), off.poll(never), off.poll(never, long_enough);
                }) {
    if (round % 4 == 1) return static_cast<void>(off.wait_for(long_enough));
    if (round % 4 == 2) return static_cast<void>(off.poll(never));
    if (round % 4 == 3) return static_cast<void>(off.poll(never, long_enough));
  }
  off.wait();
}

}  // namespace stress
