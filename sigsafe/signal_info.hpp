// What the kernel tells about a signal, with the types that belong to its origin.
#pragma once

#include <sigsafe/config.hpp>

#include <signal.h>
#include <sys/types.h>

#include <optional>

#include <sigsafe/detail/signal_name.hpp>

namespace sigsafe {

/// A typed view of a siginfo_t. siginfo_t is a union; each optional below is empty when the signal
/// came another way, so nothing is read that was not written. The view lasts as long as the handler
/// that it was given to; the values can be kept.
/// Safety:   async-signal-safe; as thread-safe as a const reference
/// Cost:     a pointer and a flag; each member a few instructions
/// Source:   POSIX.1-2024 <signal.h>, siginfo_t
class signal_info {
 public:
  /// Where a signal came from.
  enum class origin {
    kernel,         ///< a fault, a child, a terminal, an expired alarm
    kill,           ///< kill(2)
    thread_kill,    ///< pthread_kill, tgkill, raise
    queue,          ///< sigqueue(3), with a value
    timer,          ///< timer_create(2), with a value
    message_queue,  ///< mq_notify(3), with a value
    io,             ///< SIGIO of a descriptor, or asynchronous I/O
    other,          ///< a code that a program made up
  };

  /// What a child did; see child().
  struct child_status {
    enum class event { exited, killed, dumped, trapped, stopped, continued };
    pid_t pid;
    uid_t uid;
    event what;
    int status;  ///< the exit status when it exited, else a signal number
  };

  struct fault {
    void* address;
    int code;  ///< SEGV_MAPERR, BUS_ADRALN, FPE_INTDIV, …
  };

  struct descriptor_event {
    int fd;
    long band;  ///< POLL_IN, POLL_OUT, … as bits
  };

  struct timer_event {
    int id;       ///< the kernel's timer number
    int overrun;  ///< expirations beyond this one
  };

  explicit signal_info(const siginfo_t& native, void* context = nullptr) noexcept
      : native_(&native), context_(context) {}

  [[nodiscard]] int number() const noexcept { return native_->si_signo; }
  [[nodiscard]] int code() const noexcept { return native_->si_code; }

  /// "SIGHUP", "SIGRTMIN+3"; empty for a number that is no signal. Never null.
  [[nodiscard]] const char* name() const noexcept { return detail::signal_name(number()); }

  [[nodiscard]] origin from() const noexcept {
    switch (code()) {
      case SI_USER: return origin::kill;
      case SI_TKILL: return origin::thread_kill;
      case SI_QUEUE: return origin::queue;
      case SI_TIMER: return origin::timer;
      case SI_MESGQ: return origin::message_queue;
      case SI_ASYNCIO:
      case SI_SIGIO: return origin::io;
      default: break;
    }
    if (code() < 0) return origin::other;
    return code() <= POLL_HUP && !has_own_codes() ? origin::io : origin::kernel;
  }

  /// The process that sent it; 0 when that is outside of this process's namespace.
  [[nodiscard]] std::optional<pid_t> sender() const noexcept {
    if (!has_sender()) return std::nullopt;
    return native_->si_pid;
  }
  [[nodiscard]] std::optional<uid_t> sender_uid() const noexcept {
    if (!has_sender()) return std::nullopt;
    return native_->si_uid;
  }

  /// What sigqueue, a timer or a message queue sent along.
  [[nodiscard]] std::optional<sigval> value() const noexcept {
    switch (from()) {
      case origin::queue:
      case origin::timer:
      case origin::message_queue: return native_->si_value;
      default: return std::nullopt;
    }
  }

  /// What one child did. Not for finding out which have ended: two children that end together give
  /// one SIGCHLD, with the status of one of them, and a library may have taken that already.
  /// SIGCHLD says "look": let the handler set a flag, and ask sigsafe::child, reap_children or
  /// waitid outside.
  [[nodiscard]] std::optional<child_status> child() const noexcept {
    if (number() != SIGCHLD || code() < CLD_EXITED || code() > CLD_CONTINUED) return std::nullopt;
    return child_status{native_->si_pid, native_->si_uid,
                        static_cast<child_status::event>(code() - CLD_EXITED), native_->si_status};
  }

  /// Where and why memory access, arithmetic or an instruction failed.
  [[nodiscard]] std::optional<fault> faulted() const noexcept {
    switch (number()) {
      case SIGSEGV:
      case SIGBUS:
      case SIGFPE:
      case SIGILL:
      case SIGTRAP:
        if (code() > 0 && code() != SI_KERNEL) return fault{native_->si_addr, code()};
        return std::nullopt;
      default: return std::nullopt;
    }
  }

  [[nodiscard]] std::optional<descriptor_event> descriptor() const noexcept {
    if (from() != origin::io || code() == SI_ASYNCIO) return std::nullopt;
    return descriptor_event{native_->si_fd, native_->si_band};
  }

  [[nodiscard]] std::optional<timer_event> timer() const noexcept {
    if (from() != origin::timer) return std::nullopt;
    return timer_event{native_->si_timerid, native_->si_overrun};
  }

  /// The registers at the point of the signal (a ucontext_t), for crash handlers. Null when a
  /// deferred signal runs its handlers at the release of a guard, or a pending one at the sleep of
  /// an eager guard, or other code calls them.
  [[nodiscard]] void* context() const noexcept { return context_; }

  [[nodiscard]] const siginfo_t& native() const noexcept { return *native_; }

  /// Lets the signal do now what it does to a program that has no handler for it: in the handler of
  /// a second Ctrl-C, or of a fault that cannot be repaired. Returns when that does not end the
  /// process: when it was stopped and continued, when the signal is ignored by default, and in the
  /// first process of a PID namespace, which the kernel does not kill.
  /// Pre:      inside a handler of this signal
  SIGSAFE_API void take_default() const noexcept;

 private:
  // For other signals a small positive code is that of a descriptor's event (fcntl F_SETSIG).
  [[nodiscard]] bool has_own_codes() const noexcept {
    switch (number()) {
      case SIGILL:
      case SIGFPE:
      case SIGSEGV:
      case SIGBUS:
      case SIGTRAP:
      case SIGCHLD:
      case SIGSYS: return true;
      default: return false;
    }
  }

  [[nodiscard]] bool has_sender() const noexcept {
    switch (from()) {
      case origin::kill:
      case origin::thread_kill:
      case origin::queue:
      case origin::message_queue: return true;
      default: return child().has_value();
    }
  }

  const siginfo_t* native_;
  void* context_;
};

}  // namespace sigsafe
