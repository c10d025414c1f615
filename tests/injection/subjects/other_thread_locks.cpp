// Locks and condition variables: what one thread does at every instruction of another.
#include <atomic>
#include <chrono>
#include <mutex>

#include <sigsafe/condition_variable.hpp>
#include <sigsafe/mutex.hpp>

#include <tests/injection/subject.hpp>

namespace injection::other_thread_locks {

using namespace std::chrono_literals;
using sigsafe::futex_lock;
template <class B>
using raw = sigsafe::raw_mutex<futex_lock, B>;

inline futex_lock& lock_in(futex_lock& lock) { return lock; }
template <class B>
futex_lock& lock_in(raw<B>& mutex) {
  return mutex.underlying();
}

/// Memory that both threads change under a lock, which is free in the end.
template <class L>
class shared : public subject {
 public:
  void reset() override {
    memory_.reset();
    changes_ = 0;
    torn_ = false;
  }
  const char* check() override {
    if (torn_) return "two threads were behind the same lock";
    if (lock_in(lock_).is_locked()) return "nobody holds the lock, and it is not free";
    return memory_.changes() == changes_ ? nullptr : "a change behind a lock was lost";
  }

 protected:
  void change() noexcept {
    if (!memory_.whole()) torn_ = true;
    memory_.change();
    ++changes_;
  }
  void lock_and_change() {
    const std::lock_guard locked{lock_};
    change();
  }

  L lock_;

 private:
  twins memory_;
  int changes_ = 0;
  bool torn_ = false;
};

template <class L>
class both final : public shared<L> {
  void operation() override { this->lock_and_change(); }
  void in_other_thread() override { this->lock_and_change(); }
};

/// The other thread asks a clock, too.
template <class L>
class timed final : public shared<L> {
  void operation() override { this->lock_and_change(); }
  void in_other_thread() override {
    while (!this->lock_.try_lock_for(1h)) {}
    this->change();
    this->lock_.unlock();
  }
};
constexpr traits awake{.other_thread = true};
const registration<both<futex_lock>> futex_both{"other_thread/lock/futex_lock", awake};
const registration<both<raw<eager>>> eager_both{"other_thread/lock/eager", awake};
const registration<both<raw<lazy>>> lazy_both{"other_thread/lock/lazy", awake};
const registration<timed<raw<lazy>>> lazy_timed{"other_thread/lock/try_lock_for/lazy", awake};

/// It is held when the operation begins, and the other thread lets it go.
template <class L>
class contended final : public shared<L> {
  void reset() override {
    shared<L>::reset();
    lock_in(this->lock_).lock();
    held_ = true;
  }
  void operation() override { this->lock_and_change(); }
  void in_other_thread() override {
    if (!held_) return this->lock_and_change();
    held_ = false;
    lock_in(this->lock_).unlock();
  }

  bool held_ = false;
};
constexpr traits sleeping{.sleeps = true, .other_thread = true};
const registration<contended<futex_lock>> futex_contended{"other_thread/unlock/futex_lock",
                                                          sleeping};
const registration<contended<raw<eager>>> eager_contended{"other_thread/unlock/eager", sleeping};
const registration<contended<raw<lazy>>> lazy_contended{"other_thread/unlock/lazy", sleeping};

// How a condition variable is told that something has become true.
struct one {
  static void change(auto& value, auto& changed) {
    ++*value.lock();
    changed.notify_one();
  }
};
struct all {
  static void change(auto& value, auto& changed) {
    ++*value.lock();
    changed.notify_all();
  }
};
struct all_held {
  static void change(auto& value, auto& changed) {
    auto locked = value.lock();
    ++*locked;
    changed.notify_all(locked);
  }
};

template <class B>
class condition : public subject {
 public:
  void reset() override { value_.get_mut() = 0; }

 protected:
  void wait() {
    auto locked = value_.lock();
    changed_.wait(locked, [&] { return *locked != 0; });
  }

  sigsafe::mutex<int, futex_lock, B> value_;
  sigsafe::condition_variable changed_;
};

template <class B, class How>
class wait final : public condition<B> {
  void operation() override { condition<B>::wait(); }
  void in_other_thread() override { How::change(this->value_, this->changed_); }
};
const registration<wait<eager, one>> wait_one{"other_thread/condition_variable/wait/one/eager",
                                              sleeping};
const registration<wait<lazy, all>> wait_all{"other_thread/condition_variable/wait/all/lazy",
                                             sleeping};
const registration<wait<eager, all_held>> wait_held_eager{
    "other_thread/condition_variable/wait/all-held/eager", sleeping};
const registration<wait<lazy, all_held>> wait_held{
    "other_thread/condition_variable/wait/all-held/lazy", sleeping};

template <class B, class How>
class notify final : public condition<B> {
  void operation() override { How::change(this->value_, this->changed_); }
  void in_other_thread() override { condition<B>::wait(); }
};
const registration<notify<eager, one>> notify_one{
    "other_thread/condition_variable/notify/one/eager", awake};
const registration<notify<lazy, all>> notify_all{"other_thread/condition_variable/notify/all/lazy",
                                                 awake};
const registration<notify<lazy, all_held>> notify_held{
    "other_thread/condition_variable/notify/all-held/lazy", awake};

/// A predicate of atomics: it is changed without the lock.
class atomics : public subject {
 public:
  void reset() override { done_.store(false); }

 protected:
  void wait() {
    const std::lock_guard locked{lock_};
    changed_.wait(lock_, [&] { return done_.load(); });
  }
  void change() {
    done_.store(true);
    changed_.notify_all();
  }

 private:
  std::atomic<bool> done_;
  raw<lazy> lock_;
  sigsafe::condition_variable changed_;
};
class wait_for_atomics final : public atomics {
  void operation() override { wait(); }
  void in_other_thread() override { change(); }
};
class notify_of_atomics final : public atomics {
  void operation() override { change(); }
  void in_other_thread() override { wait(); }
};
const registration<wait_for_atomics> atomics_wait{"other_thread/condition_variable/wait/atomics",
                                                  sleeping};
const registration<notify_of_atomics> atomics_notify{
    "other_thread/condition_variable/notify/atomics", awake};

}  // namespace injection::other_thread_locks
