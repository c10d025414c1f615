// Events: a set on one thread at every instruction of a wait on another, and the other way round.
// Only the other thread asks a clock, which does not take the same instructions each time.
#include <poll.h>
#include <time.h>

#include <chrono>
#include <optional>

#include <sigsafe/event.hpp>

#include <tests/injection/subject.hpp>

namespace injection::other_thread_events {

using namespace std::chrono_literals;
using sigsafe::counting_event;

// Ways to wait until it is set; they return how often it was.
struct by_wait {
  static constexpr bool described = false;
  static unsigned wait(counting_event& counted) { return counted.wait(); }
};
struct by_wait_for {
  static constexpr bool described = false;
  static unsigned wait(counting_event& counted) { return counted.wait_for(1h); }
};
struct by_descriptor {
  static constexpr bool described = true;
  static unsigned wait(counting_event& counted) {
    for (;;) {
      pollfd asked{counted.fd(), POLLIN, 0};
      ppoll(&asked, 1, nullptr, nullptr);
      if (const unsigned sets = counted.reset()) return sets;
    }
  }
};
struct by_wait_with_a_descriptor {
  static constexpr bool described = true;
  static unsigned wait(counting_event& counted) { return counted.wait(); }
};

/// Each set is counted once, and a descriptor is not silent while its event is set.
class counting : public subject {
 public:
  void reset() override {
    counted_.emplace();
    taken_ = sets_ = 0;
  }
  const char* check() override {
    if (fd_ >= 0 && counted_->is_set() && !is_readable()) return "an event is set, its fd silent";
    fd_ = -1;
    return taken_ + counted_->reset() == sets_ ? nullptr : "a set of an event was lost or doubled";
  }

 protected:
  void set() noexcept {
    __atomic_fetch_add(&sets_, 1U, __ATOMIC_RELAXED);
    counted_->set();
  }
  void take(unsigned sets) noexcept { __atomic_fetch_add(&taken_, sets, __ATOMIC_RELAXED); }
  void describe() { __atomic_store_n(&fd_, counted_->fd(), __ATOMIC_RELAXED); }

  std::optional<counting_event> counted_;

 private:
  [[nodiscard]] bool is_readable() const noexcept {
    pollfd asked{fd_, POLLIN, 0};
    return ::poll(&asked, 1, 0) == 1;
  }

  int fd_ = -1;
  unsigned taken_ = 0, sets_ = 0;
};

template <class Way>
class wait final : public counting {
 public:
  void reset() override {
    counting::reset();
    if (Way::described) describe();
  }
  void operation() override { take(Way::wait(*counted_)); }
  void in_other_thread() override { set(); }
};
constexpr traits sleeping{.sleeps = true, .other_thread = true};
const registration<wait<by_wait>> waits{"other_thread/event/wait", sleeping};
const registration<wait<by_descriptor>> polls{"other_thread/event/loop", sleeping};
const registration<wait<by_wait_with_a_descriptor>> described{
    "other_thread/event/wait-with-a-descriptor", sleeping};

template <class Way>
class set final : public counting {
 public:
  void reset() override {
    counting::reset();
    if (Way::described) describe();
  }
  void operation() override {
    counting::set();
    counting::set();
  }
  void in_other_thread() override { take(Way::wait(*counted_)); }
};
constexpr traits awake{.other_thread = true};
const registration<set<by_wait>> sets{"other_thread/event/set", awake};
const registration<set<by_wait_for>> sets_timed{"other_thread/event/set/wait_for", awake};
const registration<set<by_descriptor>> sets_loop{"other_thread/event/set/loop", awake};

/// Nobody sleeps.
template <bool Described>
class take final : public counting {
 public:
  void reset() override {
    counting::reset();
    if (Described) describe();
    counting::set();
  }
  void operation() override {
    counting::take(counted_->reset());
    counting::take(counted_->reset());
  }
  void in_other_thread() override { counting::set(); }
};
const registration<take<false>> takes{"other_thread/event/take", awake};
const registration<take<true>> takes_described{"other_thread/event/take-with-a-descriptor", awake};

class fd final : public counting {
  void operation() override { describe(); }
  void in_other_thread() override { set(); }
};
const registration<fd> describes{"other_thread/event/fd", awake};

class set_at_fd final : public counting {
  void operation() override { set(); }
  void in_other_thread() override { describe(); }
};
const registration<set_at_fd> sets_at_fd{"other_thread/event/set/fd", awake};

class fd_at_fd final : public counting {
  void operation() override { here_ = counted_->fd(); }
  void in_other_thread() override {
    if (counted_->fd() != counted_->fd()) wrong_ = true;
    there_ = counted_->fd();
  }
  const char* check() override {
    const bool same = there_ < 0 || there_ == here_;
    there_ = -1;
    return same && !wrong_ ? counting::check() : "an event has two descriptors";
  }

  int here_ = -1;
  int there_ = -1;
  bool wrong_ = false;
};
const registration<fd_at_fd> two_fds{"other_thread/event/fd/fd", awake};

/// It stays set, for everybody.
class manual final : public subject {
  void reset() override { all_.emplace(sigsafe::event_reset::manual); }
  void operation() override { all_->wait(); }
  void in_other_thread() override {
    all_->set();
    all_->wait();
  }
  const char* check() override { return all_->is_set() ? nullptr : "a wait has taken an event"; }

  std::optional<sigsafe::event> all_;
};
const registration<manual> manuals{"other_thread/event/manual", sleeping};

class automatic final : public subject {
  void reset() override { one_.emplace(); }
  void operation() override { one_->wait(); }
  void in_other_thread() override { one_->set(); }

  std::optional<sigsafe::event> one_;
};
const registration<automatic> automatics{"other_thread/event/automatic", sleeping};

}  // namespace injection::other_thread_events
