// A peer in a process of its own, which does what it is asked to do, and is asleep meanwhile.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include <tests/benchmark/peers/peer.hpp>

namespace benchmarked {

enum class task_kind : std::uint32_t { turns, burst, storm };

struct task {
  task_kind kind;
  std::uint32_t amount;  ///< turns, signals, or signals in a second
  double seconds;        ///< of a storm
};

class served_peer {
 public:
  /// Pre: this process has one thread, and the kind has a library
  explicit served_peer(const kind_of_peer& kind);
  served_peer(const served_peer&) = delete;
  served_peer& operator=(const served_peer&) = delete;
  ~served_peer();

  /// What the function in measure.hpp returned.
  /// Errors:   std::runtime_error when the process has ended instead of answering
  std::vector<double> ask(const task& wanted);

  [[nodiscard]] const kind_of_peer& kind() const noexcept { return kind_; }

 private:
  const kind_of_peer& kind_;
  int socket_;
  pid_t process_;
};

/// The system calls that a signal to itself and a turn make in a loop of this kind, exactly.
long system_calls_of_a_turn(const kind_of_peer& kind);

}  // namespace benchmarked
