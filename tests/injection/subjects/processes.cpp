// Faults inside guards, and forks.
#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include <tests/injection/subjects/guarded.hpp>

namespace injection::processes {

// A fault does not wait for the release of a guard: the instruction could not go on.
template <class B>
class fault_in_guard final : public guarded {
 public:
  fault_in_guard()
      : size_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))),
        page_(static_cast<volatile int*>(
            mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    if (page_ == MAP_FAILED) std::abort();
  }
  void reset() override {
    guarded::reset();
    allow(PROT_NONE);
  }
  void in_handler(const sigsafe::signal_info& info) noexcept override {
    guarded::in_handler(info);
    if (info.number() == fault_signal && info.native().si_code == SEGV_ACCERR)
      allow(PROT_READ | PROT_WRITE);
  }
  void operation() override {
    const sigsafe::basic_guard<B> off;
    change();
    seen.note_sent(fault_signal);
    *page_ = 1;
    require(*page_ == 1, "what a fault's handler repaired has no effect");
    change();
  }

 private:
  void allow(int rights) const noexcept { mprotect(const_cast<int*>(page_), size_, rights); }

  std::size_t size_;
  volatile int* page_;
};
const registration<fault_in_guard<eager>> eager_fault{"fault/eager"};
const registration<fault_in_guard<lazy>> lazy_fault{"fault/lazy"};

static void await(pid_t child) noexcept {
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) continue;
}

// The parent dispatches once, as if there had been no fork.
template <class B>
class fork_parent final : public guarded {
  void operation() override {
    const int error = errno;  // what waitpid leaves there is no concern of guards
    const sigsafe::basic_guard<B> off;
    send(own_signal);
    const pid_t child = fork();
    if (child == 0) _exit(0);
    await(child);
    change();
    errno = error;
  }
};
const registration<fork_parent<eager>> eager_parent{"fork/parent/eager", {.forks = true}};
const registration<fork_parent<lazy>> lazy_parent{"fork/parent/lazy", {.forks = true}};

// The child unblocks and does not dispatch what is its parent's; what is sent to itself it handles.
template <class B>
class fork_child final : public guarded {
 public:
  void operation() override {
    const int error = errno;
    bool is_child = false;
    {
      const sigsafe::basic_guard<B> off;
      send(own_signal);
      const pid_t child = fork();
      is_child = child == 0;
      if (is_child) {
        send(other_signal);
        errno = error;
      } else {
        await(child);
      }
    }
    if (is_child) end_child();
    errno = error;
  }
  const char* check() override {
    if (seen.handled(own_signal) != 0) return "the child dispatched its parent's signal";
    if (seen.handled(other_signal) != 1) return "the child's own signal was not handled once";
    return nullptr;
  }
};
const registration<fork_child<eager>> eager_child{"fork/child/eager", {.forks = true}};
const registration<fork_child<lazy>> lazy_child{"fork/child/lazy", {.forks = true}};

}  // namespace injection::processes
