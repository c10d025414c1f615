// Descriptors, and loops over them, as a program makes them by hand.
#pragma once

#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace benchmarked {

/// Returns the result of a call, or throws what errno says.
inline int checked(int result, const char* call) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), call);
  return result;
}

/// A descriptor that is closed.
class owned_descriptor {
 public:
  explicit owned_descriptor(int number) noexcept : number_(number) {}
  owned_descriptor(const owned_descriptor&) = delete;
  owned_descriptor& operator=(const owned_descriptor&) = delete;
  ~owned_descriptor() { close(number_); }
  [[nodiscard]] int number() const noexcept { return number_; }

 private:
  int number_;
};

/// An epoll loop over one descriptor.
class epoll_loop {
 public:
  explicit epoll_loop(int descriptor)
      : loop_(checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    checked(epoll_ctl(loop_.number(), EPOLL_CTL_ADD, descriptor, &wanted), "epoll_ctl");
  }

  /// Whether the descriptor is readable.
  bool turn(bool sleeps) noexcept {
    epoll_event ready;
    return epoll_wait(loop_.number(), &ready, 1, sleeps ? -1 : 0) == 1;
  }

 private:
  owned_descriptor loop_;
};

}  // namespace benchmarked
