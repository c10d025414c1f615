// wait, poll and open: a handler that runs on another thread ends them, whenever it comes (rule
// 12).
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>

#include <tests/injection/subjects/guarded.hpp>

namespace injection::other_thread_waits {

using namespace std::chrono_literals;

int silent_end() {
  static const int end = [] {
    int ends[2];
    if (pipe(ends) != 0) std::abort();
    return ends[0];
  }();
  return end;
}

struct by_wait {
  static void wait(auto& off) { off.wait(); }
};
struct by_wait_for {
  static void wait(auto& off) { off.wait_for(1h); }
};
struct by_poll {
  static void wait(auto& off) {
    pollfd silent[1] = {{silent_end(), POLLIN, 0}};
    off.poll(silent);
  }
};
struct by_open {
  static void wait(auto& off) {
    const int error = errno;
    off.open([](const sigset_t* mask) {
      pollfd silent{silent_end(), POLLIN, 0};
      ppoll(&silent, 1, nullptr, mask);
    });
    errno = error;
  }
};

template <class B, class Way>
class sleeping : public subject {
 public:
  sleeping() { silent_end(); }
  void reset() override { woken_.store(false); }
  void in_handler(const sigsafe::signal_info& info) noexcept override {
    if (info.number() == first_signal) woken_.store(true);
  }

 protected:
  void sleep_until_woken() {
    sigsafe::basic_guard<B> off;
    while (!woken_.load()) Way::wait(off);
  }
  void sleep_once() {
    sigsafe::basic_guard<B> off;
    Way::wait(off);
  }
  [[nodiscard]] bool is_woken() const noexcept { return woken_.load(); }

 private:
  std::atomic<bool> woken_;
};

template <class B, class Way>
class wait final : public sleeping<B, Way> {
  void operation() override { this->sleep_until_woken(); }
  void in_other_thread() override { send(first_signal); }
};
constexpr traits sleeps{.sleeps = true, .other_thread = true};
const registration<wait<eager, by_wait>> eager_wait{"other_thread/wait/eager", sleeps};
const registration<wait<lazy, by_wait>> lazy_wait{"other_thread/wait/lazy", sleeps};
const registration<wait<eager, by_wait_for>> eager_wait_for{"other_thread/wait_for/eager", sleeps};
const registration<wait<lazy, by_wait_for>> lazy_wait_for{"other_thread/wait_for/lazy", sleeps};
const registration<wait<eager, by_poll>> eager_poll{"other_thread/poll/eager", sleeps};
const registration<wait<lazy, by_poll>> lazy_poll{"other_thread/poll/lazy", sleeps};
const registration<wait<eager, by_open>> eager_open{"other_thread/open/eager", sleeps};
const registration<wait<lazy, by_open>> lazy_open{"other_thread/open/lazy", sleeps};

/// The other way round: one wait for each instruction of a handler. It ends by it, also when that
/// has run before; what the handler does is done then.
template <class B, class Way>
class dispatch final : public sleeping<B, Way> {
  void reset() override {
    sleeping<B, Way>::reset();
    early_ = false;
  }
  void operation() override { send(first_signal); }
  void in_other_thread() override {
    this->sleep_once();
    if (!this->is_woken()) early_ = true;
  }
  const char* check() override {
    return early_ ? "a wait ended before the handler's function had run" : nullptr;
  }

  bool early_ = false;
};
constexpr traits awake{.other_thread = true};
const registration<dispatch<eager, by_wait>> eager_dispatch{"other_thread/dispatch/wait/eager",
                                                            awake};
const registration<dispatch<lazy, by_wait>> lazy_dispatch{"other_thread/dispatch/wait/lazy", awake};
const registration<dispatch<lazy, by_open>> open_dispatch{"other_thread/dispatch/open/lazy", awake};

}  // namespace injection::other_thread_waits
