// Numbers from another process, as real-time signals, through handlers, an event and epoll.
#pragma once

#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include <sigsafe/event.hpp>
#include <sigsafe/handler.hpp>

#include <tests/stress/alone.hpp>

namespace stress {

/// Every number comes out of the loop once, in its order; a lost wake-up stops both processes.
template <class Kit>
class event_loop : public lone_scenario {
 public:
  void run(stage& on) override {
    sigsafe::event arrived;
    const sigsafe::handler handler{SIGRTMIN, [&](const sigsafe::signal_info& info) noexcept {
                                     ++on.counts.delivered;
                                     if (here.at == position::inside) on.torn();
                                     if (here.at == position::ending) ++on.counts.deferred;
                                     if (!waiting_.lock()->push(info.value()->sival_int)) on.torn();
                                     arrived.set();
                                   }};
    const int loop = epoll_create1(EPOLL_CLOEXEC);
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    if (loop < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, arrived.fd(), &wanted) != 0)
      return on.violation("epoll refused an event's descriptor");
    const pid_t receiver = getpid();
    const pid_t sender = fork();
    if (sender < 0) return on.violation("fork failed");
    if (sender == 0) {
      end_with(receiver);
      send_to(receiver, on);
    }
    while (!is_over_) {
      epoll_event ready;
      if (epoll_wait(loop, &ready, 1, -1) == 1 && arrived.reset()) take_all(on);
    }
    if (end_of(sender) != 0) on.violation("the sender did not end well");
    on.counts.lost = on.counts.sent - on.counts.operations;
    close(loop);
  }

 private:
  /// Numbers that handlers have left.
  struct ring {
    static constexpr std::size_t size = 1 << 14;
    std::array<int, size> numbers{};
    std::uint64_t pushed = 0, popped = 0;

    bool push(int number) noexcept {
      if (pushed - popped == size) return false;
      const std::uint64_t at = pushed;
      numbers[at % size] = number;
      pushed = at + 1;
      return true;
    }
  };

  // The last number is a negative one.
  [[noreturn]] void send_to(pid_t receiver, stage& on) noexcept {
    for (int number = 1;; ++number) {
      // No more than the handlers can leave.
      while (on.counts.sent - on.counts.operations > ring::size / 2) sched_yield();
      const bool is_last = on.stopping();
      while (sigqueue(receiver, SIGRTMIN, {.sival_int = is_last ? -number : number}) != 0)
        sched_yield();
      ++on.counts.sent;
      if (is_last) _exit(0);
    }
  }

  void take_all(stage& on) noexcept {
    section held;
    const auto locked = waiting_.lock();
    held.begins();
    for (; locked->popped != locked->pushed; ++locked->popped) {
      const int number = locked->numbers[locked->popped % ring::size];
      on.inside();
      if ((number < 0 ? -number : number) != ++last_) ++on.counts.disorder;
      is_over_ = number < 0;
      ++on.counts.operations;
    }
    held.ends();
  }

  typename Kit::template mutex<ring> waiting_;
  int last_ = 0;
  bool is_over_ = false;
};

}  // namespace stress
