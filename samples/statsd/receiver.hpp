// The UDP socket: many packets with one system call, and the count of those that the kernel
// dropped.
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <system_error>

#include "options.hpp"

namespace statsd {

[[noreturn]] inline void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// Takes packets from a socket, many with one system call.
class receiver {
 public:
  explicit receiver(int socket) noexcept : socket_(socket) {
    for (std::size_t i = 0; i < batch; ++i) {
      parts_[i] = {buffers_[i].data(), buffers_[i].size()};
      messages_[i].msg_hdr.msg_iov = &parts_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
      messages_[i].msg_hdr.msg_control = control_[i].bytes;
    }
  }
  receiver(const receiver&) = delete;
  receiver& operator=(const receiver&) = delete;

  /// Takes what waits, up to one batch, and calls function(std::string_view packet, bool cut) for
  /// each packet; cut: its end did not fit. False when there was nothing.
  template <class F>
  bool receive(F&& function) {
    for (auto& message : messages_) message.msg_hdr.msg_controllen = sizeof(control);
    const int got = recvmmsg(socket_, messages_.data(), batch, MSG_DONTWAIT, nullptr);
    if (got < 0 && errno != EAGAIN && errno != EINTR) fail("recvmmsg");
    for (int i = 0; i < got; ++i) {
      mmsghdr& message = messages_[static_cast<std::size_t>(i)];
      note_dropped(message.msg_hdr);
      function({buffers_[static_cast<std::size_t>(i)].data(), message.msg_len},
               (message.msg_hdr.msg_flags & MSG_TRUNC) != 0);
    }
    return got > 0;
  }

  /// How many packets the kernel had dropped, for want of room, when the last one arrived.
  [[nodiscard]] std::uint32_t dropped() const noexcept { return dropped_; }

 private:
  static constexpr std::size_t batch = 32;
  struct control {
    alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(std::uint32_t))];
  };

  void note_dropped(msghdr& header) noexcept {
    for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item))
      if (item->cmsg_level == SOL_SOCKET && item->cmsg_type == SO_RXQ_OVFL)
        std::memcpy(&dropped_, CMSG_DATA(item), sizeof(dropped_));
  }

  int socket_;
  std::uint32_t dropped_ = 0;
  std::array<std::array<char, 8932>, batch> buffers_;  // jumbo frames; longer packets are cut
  std::array<control, batch> control_;
  std::array<iovec, batch> parts_;
  std::array<mmsghdr, batch> messages_{};
};

inline int open_socket(const options& given) {
  int fd = given.fd;
  if (fd < 0) {
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(given.port));
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
      fail("the port cannot be used; another one may be free (--port 0 takes any)");
  }
  fcntl(fd, F_SETFD, FD_CLOEXEC);  // an inherited one is not for the helper
  const int yes = 1;
  if (setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &yes, sizeof(yes)) != 0)
    fail("--fd wants a UDP socket (SO_RXQ_OVFL)");
  // As much as one may have; the limit of those who are not root is net.core.rmem_max.
  const int wanted = 4 << 20;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof(wanted)) != 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof(wanted));
  return fd;
}

inline int port_of(int socket) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) fail("getsockname");
  return ntohs(address.sin_port);
}

}  // namespace statsd
