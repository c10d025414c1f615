// The inline functions of sigsafe.h, and what else of it handlers call.
#include <sigsafe/sigsafe.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <tests/injection/subjects/guarded.hpp>

namespace injection::c_interface {

class lazy_guard final : public guarded {
  void operation() override {
    SIGSAFE_LAZY_GUARD;
    change();
  }
};
const registration<lazy_guard> guard_lazy{"c/guard/lazy"};

class eager_guard final : public guarded {
 public:
  eager_guard() : guarded(true) {}

 private:
  void operation() override {
    SIGSAFE_EAGER_GUARD;
    change();
  }
};
const registration<eager_guard> guard_eager{"c/guard/eager"};

// Released in the order in which they were entered.
class crossed final : public guarded {
  void operation() override {
    sigsafe_eager_enter();
    sigsafe_lazy_enter();
    sigsafe_eager_leave();
    change();
    sigsafe_lazy_leave();
  }
};
const registration<crossed> crossed_holds{"c/crossed"};

/// The operation and the handlers lock the same mutex.
class locking : public guarded {
 public:
  void in_handler(const sigsafe::signal_info& info) noexcept override {
    if (info.number() == fault_signal) return;
    sigsafe_lazy_lock(&mutex_);
    change_in_handler();
    sigsafe_lazy_unlock(&mutex_);
  }

 protected:
  sigsafe_mutex mutex_ = SIGSAFE_MUTEX_INIT;
};

class lazy_lock final : public locking {
  void operation() override {
    sigsafe_lazy_lock(&mutex_);
    change();
    sigsafe_lazy_unlock(&mutex_);
  }
};
const registration<lazy_lock> lock_lazy{"c/lock/lazy"};

class eager_lock final : public locking {
  void operation() override {
    if (!sigsafe_eager_trylock(&mutex_)) return;
    change();
    sigsafe_eager_unlock(&mutex_);
  }
};
const registration<eager_lock> lock_eager{"c/trylock/eager"};

/// A print that handlers with prints of their own interrupt: what is written is whole lines.
class print final : public subject {
 public:
  void reset() override {
    drain();
    wrong_ = nullptr;
  }
  void in_handler(const sigsafe::signal_info&) noexcept override { write_line(); }
  void operation() override { write_line(); }
  const char* check() override {
    char lines[4096];
    const ssize_t size = read(ends_[0], lines, sizeof(lines));
    const auto length = static_cast<ssize_t>(strlen(line));
    if (size <= 0 || size % length != 0) return "a line was written in part";
    for (ssize_t i = 0; i < size; i += length)
      if (memcmp(lines + i, line, static_cast<size_t>(length)) != 0) return "a line was torn";
    return wrong_;
  }

 private:
  static constexpr const char* line = "handler of 42: 0x002a of text\n";

  void write_line() noexcept {
    const int before = errno;
    if (sigsafe_print(ends_[1], "%s of %d: 0x%04x of %.*s\n", "handler", 42, 42U, 4, "texts") != 0)
      wrong_ = "a line was not written";
    if (errno != before) wrong_ = "errno was not kept";
  }
  void drain() noexcept {
    if (ends_[0] < 0 && pipe2(ends_, O_NONBLOCK) != 0) wrong_ = "there is no pipe";
    char lines[4096];
    while (read(ends_[0], lines, sizeof(lines)) > 0) {}
  }

  int ends_[2] = {-1, -1};
  const char* wrong_ = nullptr;
};
const registration<print> prints{"c/print"};

}  // namespace injection::c_interface
