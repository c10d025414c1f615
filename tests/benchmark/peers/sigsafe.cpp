// The ways in which sigsafe tells a loop of a signal.
#include <tests/benchmark/peers/peer.hpp>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>

#include <sigsafe/backend/lazy.hpp>
#include <sigsafe/backend/posix.hpp>
#include <sigsafe/event.hpp>
#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/signal_fd.hpp>

#include <tests/benchmark/peers/descriptors.hpp>

namespace benchmarked {
namespace {

using namespace std::chrono_literals;

// A loop that holds signals off but in its sleep, with a descriptor that it waits for too.
template <class Backend>
class guard_poll : public peer {
 public:
  guard_poll() { checked(pipe2(ends_.data(), O_CLOEXEC), "pipe2"); }
  void turn(bool sleeps) override {
    std::array<pollfd, 1> asked{{{ends_[0], POLLIN, 0}}};
    if (sleeps)
      off_.poll(asked);
    else
      off_.poll(asked, 0s);
    if (arrived_ == signals) return;
    called_back(arrived_ - signals);
  }

 private:
  struct counter {
    volatile std::uint64_t* arrived;
    void operator()() const noexcept { *arrived = *arrived + 1; }
  };

  volatile std::uint64_t arrived_ = 0;
  std::array<int, 2> ends_{};
  sigsafe::handler<counter> handler_{the_signal, counter{&arrived_}};
  sigsafe::basic_guard<Backend> off_;
};

class signal_fd_loop : public peer {
 public:
  void turn(bool sleeps) override {
    if (!loop_.turn(sleeps)) return;
    if (signals_.read()) called_back();
  }

 private:
  sigsafe::signal_fd signals_{{the_signal}};
  epoll_loop loop_{signals_.fd()};
};

struct setter {
  sigsafe::counting_event* arrived;
  void operator()() const noexcept { arrived->set(); }
};

class event_wait : public peer {
 public:
  void turn(bool sleeps) override {
    const std::uint32_t arrived = sleeps ? arrived_.wait() : arrived_.reset();
    if (arrived != 0) called_back(arrived);
  }

 private:
  sigsafe::counting_event arrived_;
  sigsafe::handler<setter> handler_{the_signal, setter{&arrived_}, {.restart = true}};
};

class event_fd : public peer {
 public:
  void turn(bool sleeps) override {
    if (!loop_.turn(sleeps)) return;
    if (const std::uint32_t arrived = arrived_.reset(); arrived != 0) called_back(arrived);
  }

 private:
  sigsafe::counting_event arrived_;
  sigsafe::handler<setter> handler_{the_signal, setter{&arrived_}, {.restart = true}};
  epoll_loop loop_{arrived_.fd()};
};

}  // namespace

std::unique_ptr<peer> make_guard_poll() {
  return std::make_unique<guard_poll<sigsafe::backend::posix>>();
}
std::unique_ptr<peer> make_lazy_guard_poll() {
  return std::make_unique<guard_poll<sigsafe::backend::lazy>>();
}
std::unique_ptr<peer> make_signal_fd() { return std::make_unique<signal_fd_loop>(); }
std::unique_ptr<peer> make_event() { return std::make_unique<event_wait>(); }
std::unique_ptr<peer> make_event_fd() { return std::make_unique<event_fd>(); }

}  // namespace benchmarked
