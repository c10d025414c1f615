// An event loop that is told of SIGUSR1: each way to do that is a peer, behind one interface.
#pragma once

#include <signal.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace benchmarked {

constexpr int the_signal = SIGUSR1;

class peer {
 public:
  peer() = default;
  peer(const peer&) = delete;
  peer& operator=(const peer&) = delete;
  virtual ~peer() = default;

  /// One turn of the loop: calls back for what has come. With `sleeps` it waits for something.
  virtual void turn(bool sleeps) = 0;

  std::uint64_t callbacks = 0;
  std::uint64_t signals = 0;  ///< how many signals the program has been told of

 protected:
  /// What every peer does in its callback.
  void called_back(std::uint64_t signals_told_of = 1) noexcept {
    ++callbacks;
    signals += signals_told_of;
  }
};

/// A peer is made in the process that it is measured in. Without its library `make` is null.
struct kind_of_peer {
  std::string_view name;
  std::unique_ptr<peer> (*make)();
};

const std::vector<kind_of_peer>& all_peers();

/// nullptr when there is none of that name.
const kind_of_peer* find_peer(std::string_view name);

std::unique_ptr<peer> make_bare_handler();
std::unique_ptr<peer> make_ppoll();
std::unique_ptr<peer> make_sigwaitinfo();
std::unique_ptr<peer> make_signalfd();
std::unique_ptr<peer> make_self_pipe();
std::unique_ptr<peer> make_eventfd();
std::unique_ptr<peer> make_guard_poll();
std::unique_ptr<peer> make_lazy_guard_poll();
std::unique_ptr<peer> make_signal_fd();
std::unique_ptr<peer> make_event();
std::unique_ptr<peer> make_event_fd();
std::unique_ptr<peer> make_asio();
std::unique_ptr<peer> make_libuv();
std::unique_ptr<peer> make_libev();
std::unique_ptr<peer> make_libevent();

}  // namespace benchmarked
