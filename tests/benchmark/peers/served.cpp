#include <tests/benchmark/peers/served.hpp>

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include <tests/benchmark/peers/descriptors.hpp>
#include <tests/benchmark/peers/measure.hpp>
#include <tests/benchmark/peers/peer.hpp>
#include <tests/support/syscalls.hpp>

namespace benchmarked {
namespace {

bool send_all(int socket, const void* from, std::size_t size) noexcept {
  for (auto* at = static_cast<const char*>(from); size != 0;) {
    const ssize_t sent = send(socket, at, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    at += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

bool receive_all(int socket, void* to, std::size_t size) noexcept {
  for (auto* at = static_cast<char*>(to); size != 0;) {
    const ssize_t received = recv(socket, at, size, 0);
    if (received < 0 && errno == EINTR) continue;
    if (received <= 0) return false;
    at += received;
    size -= static_cast<std::size_t>(received);
  }
  return true;
}

std::vector<double> perform(peer& of, const task& wanted) {
  switch (wanted.kind) {
    case task_kind::turns: return time_turns(of, wanted.amount);
    case task_kind::burst: {
      const burst_result result = raise_before_a_turn(of, wanted.amount);
      return {result.callbacks, result.signals, result.each};
    }
    case task_kind::storm: {
      const storm_result result = work_in_a_storm(of, wanted.amount, wanted.seconds);
      return {result.share, result.callbacks};
    }
  }
  return {};
}

[[noreturn]] void serve(const kind_of_peer& kind, int socket) noexcept {
  try {
    const auto made = kind.make();
    for (task wanted; receive_all(socket, &wanted, sizeof(wanted));) {
      const std::vector<double> answer = perform(*made, wanted);
      const std::uint64_t size = answer.size();
      if (!send_all(socket, &size, sizeof(size)) ||
          !send_all(socket, answer.data(), size * sizeof(double)))
        break;
    }
    _exit(0);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", std::string{kind.name}.c_str(), error.what());
    _exit(1);
  }
}

}  // namespace

served_peer::served_peer(const kind_of_peer& kind) : kind_(kind) {
  std::array<int, 2> ends{};
  checked(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
  process_ = checked(fork(), "fork");
  if (process_ == 0) {
    close(ends[0]);
    serve(kind, ends[1]);
  }
  close(ends[1]);
  socket_ = ends[0];
}

served_peer::~served_peer() {
  close(socket_);
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

std::vector<double> served_peer::ask(const task& wanted) {
  std::uint64_t size = 0;
  std::vector<double> answer;
  if (send_all(socket_, &wanted, sizeof(wanted)) && receive_all(socket_, &size, sizeof(size))) {
    answer.resize(size);
    if (receive_all(socket_, answer.data(), size * sizeof(double))) return answer;
  }
  throw std::runtime_error("the process of " + std::string{kind_.name} + " has ended");
}

long system_calls_of_a_turn(const kind_of_peer& kind) {
  return test::count_system_calls(
      [&] {
        auto made = kind.make();
        for (int i = 0; i < 3; ++i) signal_and_turn(*made);
        return made;
      },
      [](auto& made) { signal_and_turn(*made); });
}

}  // namespace benchmarked
