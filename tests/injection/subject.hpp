// What signals are injected into.
#pragma once

#include <signal.h>

#include <type_traits>
#include <vector>

#include <sigsafe/backend/lazy.hpp>
#include <sigsafe/backend/posix.hpp>
#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>

#include <tests/injection/injector.hpp>

namespace injection {

using eager = sigsafe::backend::posix;
using lazy = sigsafe::backend::lazy;

// The signals that are injected, and those that operations send by themselves.
constexpr int first_signal = SIGUSR1;
constexpr int second_signal = SIGUSR2;
constexpr int own_signal = SIGALRM;
constexpr int other_signal = SIGIO;
constexpr int ignored_signal = SIGURG;
constexpr int fault_signal = SIGSEGV;
constexpr int foreign_eager_signal =
    SIGHUP;  // its foreign handler sends first_signal in an eager guard
constexpr int foreign_lazy_signal = SIGTERM;  // and this one in a lazy guard
// Foreign handlers of signals that no guard holds off, sent from outside, with guards of their own.
constexpr int abort_signal = SIGABRT;         // an eager guard, and then a lazy one
constexpr int abort_eager_signal = SIGBUS;    // sends first_signal in an eager guard
constexpr int abort_lazy_signal = SIGFPE;     // in a lazy guard
constexpr int abort_crossed_signal = SIGILL;  // in a lazy and an eager one, the lazy one goes first
constexpr int undeferrable_signal = SIGXCPU;  // no guard holds it off; its handler uses guards
constexpr int user_blocked_signal = SIGWINCH;  // blocked by the program all the time
inline int real_time_signal() noexcept { return SIGRTMIN + 3; }

/// Sends a signal to this thread and enters it into `seen`; unless it is blocked, it arrives before
/// this returns.
void send(int signal) noexcept;

/// What was sent to the thread in one run, and what its handlers saw.
class record {
 public:
  void reset() noexcept;
  void note_sent(int signal) noexcept { __atomic_fetch_add(&sent_[signal], 1, __ATOMIC_RELAXED); }
  void note_handled(const siginfo_t& info) noexcept;
  [[nodiscard]] int handled(int signal) const noexcept { return handled_[signal]; }
  void note_violation(const char* what) noexcept { wrong_ = what; }
  /// Null, or what is wrong: what was noted, a signal that was not handled once for each time that
  /// it was sent, or real-time signals whose payloads came in another order.
  [[nodiscard]] const char* compare(bool in_order) const noexcept;

 private:
  // volatile, because handlers change them; the counts, also on two threads.
  volatile int sent_[65]{};
  volatile int handled_[65]{};
  volatile int last_payload_ = 0;
  volatile bool disorder_ = false;
  const char* volatile wrong_ = nullptr;
};
extern record seen;

/// An operation under test. A subject is made once in a process and runs many times.
class subject {
 public:
  subject() = default;
  subject(const subject&) = delete;
  subject& operator=(const subject&) = delete;
  virtual ~subject() = default;

  /// Before each run; no signal comes here.
  virtual void reset() {}
  virtual void operation() = 0;
  /// In each of sigsafe's handlers for the signals above, but for undeferrable_signal.
  virtual void in_handler(const sigsafe::signal_info&) noexcept {}
  /// In each of the foreign ones for signals that a guard can hold off.
  virtual void in_foreign_handler() noexcept {}
  /// On the other thread, all of it at one instruction of the operation, see traits::other_thread.
  virtual void in_other_thread() {}
  /// Null, or what is wrong after a run.
  virtual const char* check() { return nullptr; }
};

/// What a subject wants of the program.
struct traits {
  bool core = false;          ///< pairs of signals belong to a short run too
  bool sleeps = false;        ///< it ends only when own_signal is sent to it
  bool undeferrable = false;  ///< undeferrable_signal comes too, as it does to the core ones
  bool forks = false;         ///< a run takes longer
  bool writes_pid = false;    ///< two processes do not execute the same number of instructions
  bool unordered = false;     ///< real-time signals may be queued again behind later ones
  bool owns_first = false;    ///< the handlers of first_signal are its own affair
  /// What is injected is in_other_thread(). It may wait for what the operation does. An operation
  /// that sleeps ends when it has been called; then that waits for nothing, and it may come once
  /// more before the operation ends.
  bool other_thread = false;
};

struct entry {
  const char* name;
  traits wants;
  subject& (*make)();  ///< it lives as long as the process
};
std::vector<entry>& subjects();

template <class S>
struct registration {
  explicit registration(const char* name, traits wants = {}) {
    subjects().push_back({name, wants, []() -> subject& { return *new S; }});
  }
};

/// The maskable set, as far as it can be blocked here: an emulator keeps some signals for itself.
sigsafe::signal_set everything_blockable() noexcept;
inline bool everything_blocked() noexcept {
  return sigsafe::signal_set::blocked().contains(everything_blockable());
}

/// For in_other_thread(): the first thread sleeps in the operation.
bool first_thread_is_asleep() noexcept;

/// Installs a handler that sigsafe knows nothing of; traces follow it.
void install_foreign(int signal, void (*function)(int, siginfo_t*, void*));

/// What a foreign handler does: it notes that it ran and tells the subject.
void enter_foreign_handler(const siginfo_t& info) noexcept;

/// Sends a signal of sigsafe's handlers from a foreign handler that holds a guard. It must be held
/// off, whatever the foreign handler has interrupted; an eager guard must hold off everything.
template <class B>
void send_in_guard(int signal) noexcept {
  const sigsafe::basic_guard<B> off;
  if (std::is_same_v<B, eager> && !everything_blocked())
    seen.note_violation("an eager guard in a foreign handler left the mask open");
  const int handled = seen.handled(signal);
  send(signal);
  if (seen.handled(signal) != handled)
    seen.note_violation("a guard in a foreign handler did not hold a signal off");
}

/// Ends a child that the operation forked: it is the one whose instructions and state count.
[[noreturn]] void end_child() noexcept;

/// Two words that are equal while nobody changes them. Plain memory on purpose: what the compiler
/// may keep in a register it shall keep there.
class twins {
 public:
  void change() noexcept {
    ++a_;
    ++b_;
  }
  [[nodiscard]] bool whole() const noexcept { return a_ == b_; }
  [[nodiscard]] int changes() const noexcept { return static_cast<int>(a_); }
  void reset() noexcept { a_ = b_ = 0; }

 private:
  unsigned a_ = 0;
  unsigned b_ = 0;
};

}  // namespace injection
