// A SIGPIPE that arises in a discard_guard is dropped, in the operation as in a handler that
// interrupts it: one that is not ends the program.
#include <sigsafe/discard.hpp>

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sigsafe/guard.hpp>

#include <tests/injection/subjects/guarded.hpp>

namespace injection::discards {

inline void cause_one() noexcept {
  const sigsafe::discard_guard off{{SIGPIPE}};
  syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGPIPE);
}

/// So do its handlers.
class in_a_region : public guarded {
 public:
  void in_handler(const sigsafe::signal_info& info) noexcept override {
    cause_one();
    guarded::in_handler(info);
  }
  void in_foreign_handler() noexcept override { cause_one(); }
  const char* check() override {
    require(!sigsafe::signal_set::pending().contains(SIGPIPE), "a SIGPIPE was left pending");
    return guarded::check();
  }
};

class alone final : public in_a_region {
  void operation() override { cause_one(); }
};
const registration<alone> one{"discard_guard/alone", {.core = true}};

template <class B>
class in_a_guard final : public in_a_region {
  void operation() override {
    const sigsafe::basic_guard<B> off;
    cause_one();
    change();
  }
};
const registration<in_a_guard<eager>> in_eager{"discard_guard/in-a-guard/eager"};
const registration<in_a_guard<lazy>> in_lazy{"discard_guard/in-a-guard/lazy"};

class around_a_guard final : public in_a_region {
  void operation() override {
    const sigsafe::discard_guard off{{SIGPIPE}};
    const sigsafe::basic_guard<lazy> held;
    cause_one();
    change();
  }
};
const registration<around_a_guard> around{"discard_guard/around-a-guard"};

}  // namespace injection::discards
