// Signals to the calling thread, what arrived of them, and what a thread must look like afterwards.
#pragma once

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <initializer_list>

#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/signal_info.hpp>
#include <sigsafe/signal_set.hpp>

#include <tests/support/child.hpp>

namespace test {

inline pid_t own_thread() noexcept { return static_cast<pid_t>(syscall(SYS_gettid)); }

/// Sends a signal to the calling thread; unless it is blocked, it arrives before this returns.
inline void send(int signal) noexcept { syscall(SYS_tgkill, getpid(), own_thread(), signal); }

/// The same with a value, as sigqueue sends it. By the kernel's own call, because the C library
/// does not know the number of a thread that the call clone made.
inline void queue(int signal, int value) noexcept {
  siginfo_t info{};
  info.si_signo = signal;
  info.si_code = SI_QUEUE;
  info.si_pid = getpid();
  info.si_uid = getuid();
  info.si_value.sival_int = value;
  syscall(SYS_rt_tgsigqueueinfo, getpid(), own_thread(), signal, &info);
}

/// Installs a handler that sigsafe knows nothing of.
inline void install_foreign(int signal, void (*function)(int)) noexcept {
  struct sigaction action{};
  action.sa_handler = function;
  sigaction(signal, &action, nullptr);
}

inline void block(sigsafe::signal_set signals) noexcept {
  const sigset_t set = signals.native();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

inline void unblock(sigsafe::signal_set signals) noexcept {
  const sigset_t set = signals.native();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

/// Every maskable signal is blocked.
inline bool everything_blocked() noexcept {
  return sigsafe::signal_set::blocked().contains(sigsafe::signal_set::maskable());
}

/// The signals that sigsafe added to this thread's mask and has not taken out again.
inline sigsafe::signal_set added() noexcept {
  return sigsafe::signal_set::from_bits(sigsafe::detail::current_thread().added.load());
}

/// The signals that subset guards of this thread name.
inline sigsafe::signal_set named() noexcept {
  return sigsafe::signal_set::from_bits(sigsafe::detail::current_thread().named.load());
}

inline bool has_deferred() noexcept { return sigsafe::detail::current_thread().has_deferred(); }

/// Nothing is held, deferred or added on this thread, and no handler runs.
inline bool is_at_rest() noexcept {
  const auto& thread = sigsafe::detail::current_thread();
  return thread.idle() && !thread.has_deferred() && thread.resumed.load() == 0 &&
         thread.added.load() == 0 && thread.named.load() == 0 && thread.aside.load() == 0 &&
         thread.running.load() == nullptr;
}

/// The signals that came to a handler, in order. A child begins with an empty one.
class arrived_signals {
 public:
  void add(const siginfo_t& info) noexcept {
    const int index = size_++;  // first, because the handler of a fault may interrupt this
    CHILD_REQUIRE(index < most);
    infos_[index] = info;
  }
  void clear() noexcept { size_ = 0; }
  [[nodiscard]] int size() const noexcept { return size_; }
  [[nodiscard]] const siginfo_t& operator[](int index) const noexcept { return infos_[index]; }

  [[nodiscard]] bool are(std::initializer_list<int> signals) const noexcept {
    return std::equal(infos_, infos_ + size(), signals.begin(), signals.end(),
                      [](const siginfo_t& info, int signal) { return info.si_signo == signal; });
  }
  /// They were queued with these values, by this process.
  [[nodiscard]] bool have_values(std::initializer_list<int> values) const noexcept {
    return std::equal(infos_, infos_ + size(), values.begin(), values.end(),
                      [](const siginfo_t& info, int value) {
                        return info.si_value.sival_int == value && info.si_code == SI_QUEUE &&
                               info.si_pid == getpid() && info.si_uid == getuid();
                      });
  }

 private:
  static constexpr int most = 64;
  std::atomic<int> size_{0};
  siginfo_t infos_[most]{};
};

constinit inline arrived_signals arrived;

/// A function for sigsafe::handler that notes what arrives.
struct note_arrival {
  void operator()(const sigsafe::signal_info& info) const noexcept { arrived.add(info.native()); }
};

/// Runs body in a child whose mask is not empty; afterwards the thread is at rest, its mask is as
/// it was before, and nothing is pending.
template <class Body>
child_end in_resting_child(Body body) {
  return in_child(
      [&] {
        block({SIGWINCH});
        const auto before = sigsafe::signal_set::blocked();
        body();
        CHILD_REQUIRE(is_at_rest());
        CHILD_REQUIRE(sigsafe::signal_set::blocked() == before);
        CHILD_REQUIRE(sigsafe::signal_set::pending().empty());
      },
      20);
}

}  // namespace test
