// wait, wait_for, poll and open: no signal between the check and the sleep is missed.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include <sigsafe/process.hpp>

#include <tests/injection/subjects/guarded.hpp>

namespace injection::sleeps {

using namespace std::chrono_literals;

class sleeping : public guarded_deeply {
 public:
  using guarded_deeply::guarded_deeply;

  void reset() override {
    guarded_deeply::reset();
    woken_ = false;
  }
  void in_handler(const sigsafe::signal_info& info) noexcept override {
    guarded_deeply::in_handler(info);
    if (info.number() != fault_signal) woken_ = true;
  }

 protected:
  bool woken_ = false;
};

template <class B>
class wait final : public sleeping {
 public:
  wait() : sleeping(one_is_eager<B>) {}

 private:
  void operation() override {
    sigsafe::basic_guard<B> off;
    change();
    while (!woken_) off.wait();
    change();
  }
};
const registration<wait<eager>> eager_wait{"wait/eager", {.sleeps = true, .undeferrable = true}};
const registration<wait<lazy>> lazy_wait{"wait/lazy", {.sleeps = true, .undeferrable = true}};

template <class B>
class wait_for final : public sleeping {
 public:
  wait_for() : sleeping(one_is_eager<B>) {}

 private:
  void operation() override {
    sigsafe::basic_guard<B> off;
    while (!woken_) off.wait_for(1h);
    change();
  }
};
const registration<wait_for<eager>> eager_wait_for{"wait_for/eager", {.sleeps = true}};
const registration<wait_for<lazy>> lazy_wait_for{"wait_for/lazy", {.sleeps = true}};

// What is closed for the function is not the program's.
template <class B>
class open final : public sleeping {
 public:
  open() : sleeping(one_is_eager<B>) {}

 private:
  void operation() override {
    const int error = errno;  // the function's own is kept
    sigsafe::basic_guard<B> off;
    bool was_called = false;  // an eager open lets in what is pending first, and then calls nothing
    while (!woken_ || !was_called)
      off.open([&](const sigset_t* mask) {
        was_called = true;
        require(!sigsafe::program_mask().contains(SIGPIPE),
                "the program mask has what is closed for a function");
        if (!woken_) ppoll(nullptr, 0, nullptr, mask);
      });
    change();
    errno = error;
  }
};
const registration<open<eager>> eager_open{"open/eager", {.sleeps = true}};
const registration<open<lazy>> lazy_open{"open/lazy", {.sleeps = true}};

template <class B>
class no_time final : public guarded_deeply {
 public:
  no_time() : guarded_deeply(one_is_eager<B>) {}

 private:
  void operation() override {
    sigsafe::basic_guard<B> off;
    change();
    off.wait_for(0s);
    change();
  }
};
const registration<no_time<eager>> eager_no_time{"wait_for/no-time/eager"};
const registration<no_time<lazy>> lazy_no_time{"wait_for/no-time/lazy"};

template <class B>
class waiting_already final : public guarded_deeply {
 public:
  waiting_already() : guarded_deeply(one_is_eager<B>) {}

 private:
  void operation() override {
    sigsafe::basic_guard<B> off;
    send(own_signal);
    change();
    off.wait();
    change();
  }
};
const registration<waiting_already<eager>> eager_already{"wait/signal-came-before/eager"};
const registration<waiting_already<lazy>> lazy_already{"wait/signal-came-before/lazy"};

template <class B>
class poll final : public sleeping {
 public:
  poll() : sleeping(one_is_eager<B>) {
    if (pipe(ends_) != 0) std::abort();
  }
  void operation() override {
    sigsafe::basic_guard<B> off;
    pollfd silent[1] = {{ends_[0], POLLIN, 0}};
    while (!woken_) off.poll(silent);
    change();
  }

 private:
  int ends_[2];
};
const registration<poll<eager>> eager_poll{"poll/eager", {.sleeps = true}};
const registration<poll<lazy>> lazy_poll{"poll/lazy", {.sleeps = true}};

template <class B>
class poll_ready final : public guarded_deeply {
 public:
  poll_ready() : guarded_deeply(one_is_eager<B>) {
    if (pipe(ends_) != 0 || write(ends_[1], "x", 1) != 1) std::abort();
  }
  void operation() override {
    sigsafe::basic_guard<B> off;
    pollfd ready[1] = {{ends_[0], POLLIN, 0}};
    off.poll(ready, 1h);
    change();
  }

 private:
  int ends_[2];
};
const registration<poll_ready<eager>> eager_ready{"poll/ready/eager"};
const registration<poll_ready<lazy>> lazy_ready{"poll/ready/lazy"};

// What guard.wait refuses is what rule 12 is about: guards of both kinds around a sleep.
template <class Outer, class Inner>
class nested_sleep final : public guarded_deeply {
 public:
  nested_sleep() : guarded_deeply(one_is_eager<Outer, Inner>) {}

 private:
  void operation() override {
    const sigsafe::basic_guard<Outer> outer;
    const sigsafe::basic_guard<Inner> inner;
    send(own_signal);
    change();
    int error = 0;
    sigsafe::detail::sleep_unheld(nullptr, 0, sigsafe::detail::for_ever, error);
    change();
  }
};
const registration<nested_sleep<lazy, eager>> eager_sleep{
    "interleaving/lazy-outer-eager-inner-wait"};
const registration<nested_sleep<eager, lazy>> lazy_sleep{
    "interleaving/eager-outer-lazy-inner-wait"};

}  // namespace injection::sleeps
