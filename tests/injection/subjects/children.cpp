// What may be called in handlers, of a child that runs, while functions that take locks look at it.
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include <sigsafe/process.hpp>

#include <tests/injection/subject.hpp>

namespace injection::children {

/// A program that ends when this process does.
class running_child {
 public:
  running_child() {
    if (pipe2(ends_, O_CLOEXEC) != 0) std::abort();
    child_ = sigsafe::spawn({"cat"}, {.input = ends_[0]});
  }
  [[nodiscard]] sigsafe::child& operator*() noexcept { return child_; }

 private:
  int ends_[2];
  sigsafe::child child_;
};

class used_in_handlers final : public subject {
 public:
  void reset() override { wrong_ = nullptr; }
  // A fault may come while the lock is held.
  void in_handler(const sigsafe::signal_info&) noexcept override {
    const int error = errno;
    if (!(*child_).kill(0) || (*child_).pid() <= 0 || (*child_).fd() < 0)
      wrong_ = "a child could not be told anything in a handler";
    errno = error;
  }
  void in_foreign_handler() noexcept override {
    if (!(*child_).kill(0)) wrong_ = "a child could not be told anything in a foreign handler";
  }
  void operation() override {
    if ((*child_).try_wait()) wrong_ = "a child that runs was taken for one that has ended";
    if (sigsafe::reap_children() != 0) wrong_ = "a child that runs was reaped";
  }
  const char* check() override { return wrong_; }

 private:
  running_child child_;
  const char* wrong_ = nullptr;
};
const registration<used_in_handlers> in_handlers{"child/used-in-handlers"};

}  // namespace injection::children
