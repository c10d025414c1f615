// What careful programs write by hand, and the least that the kernel can do.
#include <tests/benchmark/peers/peer.hpp>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>

#include <tests/benchmark/peers/descriptors.hpp>

namespace benchmarked {
namespace {

sigset_t only_the_signal() noexcept {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, the_signal);
  return set;
}

/// Blocks the signal, and returns the mask before.
sigset_t block_the_signal() noexcept {
  const sigset_t set = only_the_signal();
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &set, &before);
  return before;
}

void install(void (*function)(int, siginfo_t*, void*)) {
  struct sigaction action{};
  action.sa_sigaction = function;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigfillset(&action.sa_mask);
  checked(sigaction(the_signal, &action, nullptr), "sigaction");
}

// There is one peer in a process; what its handler needs is here.
constinit volatile std::uint64_t arrived = 0;
constinit int write_end = -1;

void count(int, siginfo_t*, void*) { arrived = arrived + 1; }

template <class Token>
void write_token(int, siginfo_t*, void*) {
  const int error = errno;
  constexpr Token token = 1;
  if (write(write_end, &token, sizeof(token)) < 0) {}  // full: lost, or merged
  errno = error;
}

// No loop at all: the handler is the callback.
class bare_handler : public peer {
 public:
  bare_handler() { install(count); }
  void turn(bool) override {
    const std::uint64_t now = arrived;
    if (now == signals) return;
    called_back(now - signals);
  }
};

class sigwaitinfo_loop : public peer {
 public:
  sigwaitinfo_loop() { block_the_signal(); }
  void turn(bool sleeps) override {
    constexpr timespec at_once{};
    if (sigtimedwait(&set_, nullptr, sleeps ? nullptr : &at_once) == the_signal) called_back();
  }

 private:
  sigset_t set_ = only_the_signal();
};

// As guard.poll does it: blocked but in the sleep, and a flag.
class ppoll_loop : public peer {
 public:
  ppoll_loop() : open_(block_the_signal()) {
    install(count);
    checked(pipe2(ends_.data(), O_CLOEXEC), "pipe2");
  }
  void turn(bool sleeps) override {
    constexpr timespec at_once{};
    pollfd asked{ends_[0], POLLIN, 0};
    ppoll(&asked, 1, sleeps ? nullptr : &at_once, &open_);
    const std::uint64_t now = arrived;
    if (now == signals) return;
    called_back(now - signals);
  }

 private:
  sigset_t open_;
  std::array<int, 2> ends_{};
};

class signalfd_loop : public peer {
 public:
  signalfd_loop() { block_the_signal(); }
  void turn(bool sleeps) override {
    if (!loop_.turn(sleeps)) return;
    signalfd_siginfo info;
    if (read(descriptor_.number(), &info, sizeof(info)) == sizeof(info)) called_back();
  }

 private:
  sigset_t set_ = only_the_signal();
  owned_descriptor descriptor_{
      checked(signalfd(-1, &set_, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd")};
  epoll_loop loop_{descriptor_.number()};
};

class eventfd_loop : public peer {
 public:
  eventfd_loop() {
    write_end = descriptor_.number();
    install(write_token<std::uint64_t>);
  }
  void turn(bool sleeps) override {
    if (!loop_.turn(sleeps)) return;
    std::uint64_t value;
    if (read(descriptor_.number(), &value, sizeof(value)) == sizeof(value)) called_back(value);
  }

 private:
  owned_descriptor descriptor_{checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")};
  epoll_loop loop_{descriptor_.number()};
};

class self_pipe_loop : public peer {
 public:
  self_pipe_loop() {
    checked(pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK), "pipe2");
    write_end = ends_[1];
    install(write_token<char>);
  }
  void turn(bool sleeps) override {
    pollfd asked{ends_[0], POLLIN, 0};
    if (poll(&asked, 1, sleeps ? -1 : 0) != 1) return;
    std::array<char, 4096> tokens;
    const ssize_t size = read(ends_[0], tokens.data(), tokens.size());
    for (ssize_t i = 0; i < size; ++i) called_back();
  }

 private:
  std::array<int, 2> ends_{};
};

}  // namespace

std::unique_ptr<peer> make_bare_handler() { return std::make_unique<bare_handler>(); }
std::unique_ptr<peer> make_sigwaitinfo() { return std::make_unique<sigwaitinfo_loop>(); }
std::unique_ptr<peer> make_ppoll() { return std::make_unique<ppoll_loop>(); }
std::unique_ptr<peer> make_signalfd() { return std::make_unique<signalfd_loop>(); }
std::unique_ptr<peer> make_eventfd() { return std::make_unique<eventfd_loop>(); }
std::unique_ptr<peer> make_self_pipe() { return std::make_unique<self_pipe_loop>(); }

}  // namespace benchmarked
