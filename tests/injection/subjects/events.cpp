// Events and condition variables, which handlers set and notify.
#include <poll.h>
#include <time.h>

#include <sigsafe/condition_variable.hpp>
#include <sigsafe/event.hpp>
#include <sigsafe/mutex.hpp>

#include <tests/injection/subject.hpp>

namespace injection::events {

/// Each set is counted once, whoever makes it, and at whatever instruction of the operation.
class counting : public subject {
 public:
  void reset() override {
    counted_.reset();
    taken_ = sets_ = 0;
  }
  void in_handler(const sigsafe::signal_info&) noexcept override { set(); }
  const char* check() override {
    return taken_ + counted_.reset() == sets_ ? nullptr : "a set of an event was lost or doubled";
  }

 protected:
  void set() noexcept {
    __atomic_fetch_add(&sets_, 1U, __ATOMIC_RELAXED);
    counted_.set();
  }
  void take() noexcept { taken_ += counted_.reset(); }

  sigsafe::counting_event counted_;
  unsigned taken_ = 0;

 private:
  unsigned sets_ = 0;
};

class set final : public counting {
  void operation() override {
    set();
    take();
    set();
  }
};
const registration<set> sets{"event/set"};

/// With a descriptor, which is made in each run: that of another process is none.
class described : public subject {
 public:
  void reset() override {
    current_ = nullptr;
    interrupted_ = false;
    taken_ = sets_ = 0;
    wrong_ = nullptr;
  }
  void in_handler(const sigsafe::signal_info&) noexcept override {
    interrupted_ = true;
    set();
  }
  const char* check() override {
    if (wrong_ != nullptr) return wrong_;
    return taken_ == sets_ ? nullptr : "a set of an event was lost or doubled";
  }
  void operation() override {
    sigsafe::counting_event counted;
    sigsafe::detail::handler_fence();  // it is made before handlers find it
    current_ = &counted;
    const int fd = counted.fd();
    use(fd);
    constexpr timespec no_time{0, 0};
    if (counted.is_set() && !is_readable(fd, &no_time))
      wrong_ = "an event is set, its descriptor silent";
    current_ = nullptr;
    taken_ += counted.reset();
  }

 protected:
  /// Null: without end.
  static bool is_readable(int fd, const timespec* limit) noexcept {
    pollfd asked{fd, POLLIN, 0};
    return ppoll(&asked, 1, limit, nullptr) == 1;
  }
  void set() noexcept {
    if (current_ == nullptr) return;
    __atomic_fetch_add(&sets_, 1U, __ATOMIC_RELAXED);
    current_->set();
  }
  void take() noexcept { taken_ += current_->reset(); }
  [[nodiscard]] bool was_interrupted() const noexcept { return interrupted_; }

 private:
  virtual void use(int fd) noexcept = 0;

  sigsafe::counting_event* volatile current_ = nullptr;
  volatile bool interrupted_ = false;
  unsigned taken_ = 0, sets_ = 0;
  const char* wrong_ = nullptr;
};

class set_described final : public described {
  void use(int) noexcept override {
    set();
    take();
    set();
  }
};
const registration<set_described> sets_described{"event/set-with-a-descriptor"};

class loop final : public described {
  void use(int fd) noexcept override {
    while (!was_interrupted())
      if (is_readable(fd, nullptr)) take();
  }
};
const registration<loop> loops{"event/loop", {.sleeps = true}};

class wait final : public counting {
  void operation() override { taken_ += counted_.wait(); }
};
const registration<wait> waits{"event/wait", {.sleeps = true}};

template <class B>
class notify final : public subject {
 public:
  void reset() override { made_.get_mut() = 0; }
  void in_handler(const sigsafe::signal_info& info) noexcept override {
    if (info.number() == fault_signal) return;
    ++*made_.lock();
    changed_.notify_all();
  }
  void operation() override {
    auto locked = made_.lock();
    changed_.wait(locked, [&] { return *locked != 0; });
    changed_.notify_all(locked);
  }

 private:
  sigsafe::mutex<int, sigsafe::default_raw_lock, B> made_;
  sigsafe::condition_variable changed_;
};
const registration<notify<eager>> eager_notify{"condition_variable/notify/eager", {.sleeps = true}};
const registration<notify<lazy>> lazy_notify{"condition_variable/notify/lazy", {.sleeps = true}};

}  // namespace injection::events
