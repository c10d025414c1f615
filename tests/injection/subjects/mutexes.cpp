// raw_mutex and mutex. The handlers lock what the operation locks.
#include <sigsafe/mutex.hpp>

#include <mutex>

#include <tests/injection/subjects/guarded.hpp>

namespace injection::mutexes {

template <class B>
using twins_mutex = sigsafe::mutex<twins, sigsafe::default_raw_lock, B>;

/// A mutex that owns twins, and a handler that locks it.
template <class B>
class owning : public subject {
 public:
  void reset() override {
    shared_.get_mut().reset();
    changes_ = 0;
    torn_ = false;
  }
  void in_handler(const sigsafe::signal_info& info) noexcept override {
    if (info.number() == fault_signal) return;
    const auto locked = shared_.lock();
    if (!locked->whole()) torn_ = true;
    locked->change();
    ++changes_;
  }
  const char* check() override {
    if (torn_) return "a handler locked a mutex whose value was half changed";
    return shared_.get_mut().changes() == changes_ ? nullptr
                                                   : "a change of a mutex's value was lost";
  }

 protected:
  template <class Locked>
  void change(const Locked& locked) noexcept {
    locked->change();
    ++changes_;
  }

  twins_mutex<B> shared_;

 private:
  int changes_ = 0;
  bool torn_ = false;
};

template <class B>
class lock final : public owning<B> {
  void operation() override {
    const auto locked = this->shared_.lock();
    this->change(locked);
  }
};
const registration<lock<eager>> eager_lock{"mutex/lock/eager", {.core = true}};
const registration<lock<lazy>> lazy_lock{"mutex/lock/lazy", {.core = true}};

template <class B>
class try_lock final : public owning<B> {
  void operation() override {
    if (const auto locked = this->shared_.try_lock()) this->change(locked);
  }
};
const registration<try_lock<eager>> eager_try_lock{"mutex/try_lock/eager"};
const registration<try_lock<lazy>> lazy_try_lock{"mutex/try_lock/lazy"};

template <class B>
class moved_and_unlocked final : public owning<B> {
  void operation() override {
    auto locked = this->shared_.lock();
    auto moved = std::move(locked);
    this->change(moved);
    moved.unlock();
  }
};
const registration<moved_and_unlocked<eager>> eager_moved{"mutex/move-and-unlock/eager"};
const registration<moved_and_unlocked<lazy>> lazy_moved{"mutex/move-and-unlock/lazy"};

template <class B>
class with_lock final : public owning<B> {
  void operation() override {
    this->shared_.with_lock([this](twins& both) { this->change(&both); });
  }
};
const registration<with_lock<eager>> eager_with_lock{"mutex/with_lock/eager"};
const registration<with_lock<lazy>> lazy_with_lock{"mutex/with_lock/lazy"};

/// Somebody else holds the lock all the time; a failed try_lock leaves interrupts as they were.
template <class B>
class failing_try_lock final : public subject {
 public:
  failing_try_lock() { shared_.underlying().lock(); }
  void reset() override { failed_ = false; }
  void operation() override { failed_ = !shared_.try_lock(); }
  const char* check() override {
    return failed_ ? nullptr : "try_lock locked what somebody else holds";
  }

 private:
  sigsafe::raw_mutex<sigsafe::default_raw_lock, B> shared_;
  bool failed_ = false;
};
const registration<failing_try_lock<eager>> eager_failing{"raw_mutex/failing-try_lock/eager"};
const registration<failing_try_lock<lazy>> lazy_failing{"raw_mutex/failing-try_lock/lazy"};

template <class L, class B>
class lock_guard final : public guarded {
 public:
  void in_handler(const sigsafe::signal_info& info) noexcept override {
    if (info.number() == fault_signal) return;
    const std::lock_guard locked{lock_};
    change_in_handler();
  }
  void operation() override {
    const std::lock_guard locked{lock_};
    change();
  }

 private:
  sigsafe::raw_mutex<L, B> lock_;
};
using sigsafe::futex_lock;
using sigsafe::spinlock;
const registration<lock_guard<futex_lock, eager>> eager_raw{"raw_mutex/lock_guard/eager"};
const registration<lock_guard<futex_lock, lazy>> lazy_raw{"raw_mutex/lock_guard/lazy"};
const registration<lock_guard<spinlock, eager>> eager_spin{"raw_mutex/spinlock/eager"};
const registration<lock_guard<spinlock, lazy>> lazy_spin{"raw_mutex/spinlock/lazy"};

// Two mutexes whose guards are released in the order in which they were taken.
template <class First, class Second>
class out_of_order final : public guarded {
  void operation() override {
    auto first = first_.lock();
    auto second = second_.lock();
    change();
    first.unlock();
    change();
    second.unlock();
  }

  sigsafe::mutex<int, sigsafe::default_raw_lock, First> first_;
  sigsafe::mutex<int, sigsafe::default_raw_lock, Second> second_;
};
const registration<out_of_order<eager, eager>> eager_eager{"out-of-order/eager-eager"};
const registration<out_of_order<eager, lazy>> eager_lazy{"out-of-order/eager-lazy", {.core = true}};
const registration<out_of_order<lazy, eager>> lazy_eager{"out-of-order/lazy-eager", {.core = true}};
const registration<out_of_order<lazy, lazy>> lazy_lazy{"out-of-order/lazy-lazy"};

template <class B>
class subset_outlives_a_hold final : public guarded {
 public:
  void in_handler(const sigsafe::signal_info& info) noexcept override {
    if (info.number() == first_signal) change_in_handler();
  }
  void operation() override {
    auto locked = mutex_.lock();
    const sigsafe::subset_guard some{sigsafe::signal_set{first_signal}};
    change();
    locked.unlock();
    change();
    require(sigsafe::signal_set::blocked().contains(first_signal),
            "a release unblocked what a subset_guard blocks");
  }

 private:
  sigsafe::mutex<int, sigsafe::default_raw_lock, B> mutex_;
};
const registration<subset_outlives_a_hold<eager>> subset_eager{"out-of-order/eager-subset_guard"};
const registration<subset_outlives_a_hold<lazy>> subset_lazy{"out-of-order/lazy-subset_guard"};

}  // namespace injection::mutexes
