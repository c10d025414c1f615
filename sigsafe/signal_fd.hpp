// Signals that are read from a descriptor instead of handled.
#pragma once

#include <sigsafe/config.hpp>

#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>

#include <sigsafe/detail/deadline.hpp>
#include <sigsafe/detail/futex.hpp>
#include <sigsafe/handler_options.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/signal_info.hpp>
#include <sigsafe/signal_set.hpp>

namespace sigsafe {

/// A signal_info with a siginfo_t of its own: it may be kept and copied. A signal_info that is made
/// of it is a view of it.
class received_signal : public signal_info {
 public:
  explicit received_signal(const siginfo_t& native) noexcept : signal_info(own_), own_(native) {}
  received_signal(const received_signal& other) noexcept : received_signal(other.own_) {}
  received_signal& operator=(const received_signal& other) noexcept {
    own_ = other.own_;
    return *this;
  }
  ~received_signal() = default;

 private:
  siginfo_t own_;
};

/// How a signal_fd ends. Written by name.
struct signal_fd_options {
  /// What the signals of the set meet afterwards, those too that are pending then and have not been
  /// read. `restore`: what their disposition says, which may be to kill the process. `ignore`: they
  /// are dropped, as behind a handler that ends so; see handler_options::at_end. It concerns those
  /// that become unblocked on this thread, also when another one goes on to read them, which loses
  /// what is pending then. Where a handler of sigsafe lives, that runs instead.
  sigsafe::at_end at_end = sigsafe::at_end::restore;
};

namespace detail {

struct signal_fd_state {
  signal_set signals;
  signal_set taken;     // those that the program did not block before
  int descriptor = -1;  // non-blocking and close-on-exec
  std::uint32_t maker;  // which thread blocks them
  at_end end;
};

SIGSAFE_API signal_fd_state open_signal_fd(signal_set signals, at_end end, location where);
SIGSAFE_API void close_signal_fd(const signal_fd_state& state) noexcept;

/// At most `most`, and at most signal_fd_batch; returns how many.
inline constexpr std::size_t signal_fd_batch = 16;
SIGSAFE_API std::size_t read_signal_fd(const signal_fd_state& state, siginfo_t* infos,
                                       std::size_t most);

/// Returns false when monotonic_now() is `deadline`, and none has come.
SIGSAFE_API bool wait_for_signal_fd(const signal_fd_state& state, siginfo_t& info,
                                    std::int64_t deadline, location where);

}  // namespace detail

/// Signals as data: while it lives, the signals of a set are blocked and wait in the kernel's queue
/// until they are read, by a thread or an event loop, in ordinary code.
///
///     sigsafe::signal_fd signals{{SIGTERM, SIGCHLD}};
///     epoll_event wanted{.events = EPOLLIN};
///     epoll_ctl(loop, EPOLL_CTL_ADD, signals.fd(), &wanted);     // readable:
///     while (const auto signal = signals.read()) …               // signal->number()
///
/// Make it first, before there are other threads: it blocks the set on the thread that makes it,
/// and threads that start later inherit that, but for what `.receives` of a sigsafe::thread names.
/// A thread that was there before takes the signals, and they do there what they did, unless it
/// blocks them, too. A thread reads what was sent to the process, and what was sent to itself.
///
/// What coalesces: of a standard signal the kernel keeps one for the process and one for each
/// thread, so that ten SIGCHLDs may be one: it says "look", never "who". Real-time signals are all
/// kept (up to RLIMIT_SIGPENDING), with their values. They are read in the kernel's order: those of
/// this thread before those of the process, the lowest number first, and those of one real-time
/// number as they were queued.
///
/// Handlers: a handler of sigsafe for a signal of the set is allowed. It does not run where the
/// signal is blocked, and gets what has not been read at the end. One that a lazy guard had
/// deferred when this was made is read here. A stop_signal takes its signals on a thread of its
/// own: they are refused.
///
/// Masks: all other guards, eager, lazy and subset ones, may be held when it is made and destroyed,
/// in any order. program_mask() does not have the set, on any thread, so children of spawn,
/// prepare_exec and posix_spawn (with that mask) have it unblocked; unless the program had blocked
/// a signal before: it stays so, afterwards too. fork and exec by themselves pass the kernel's mask
/// on. Signal sets may overlap; each signal is read once.
///
/// The end: on the thread that made it, its destructor unblocks the set, as far as nobody else
/// blocks it; then what is pending meets `.at_end`. On threads that have inherited the block it
/// stays, as a mask of theirs. Destroyed on another thread, or in a handler, it closes the
/// descriptor, and the set stays blocked on the thread that made it; program_mask() goes on not to
/// have it.
///
/// A child of fork has a copy, with the same descriptor, which reads the child's own signals; the
/// parent's are not lost to it. An epoll of the parent's does not know of the child's.
/// Safety:   not async-signal-safe: it changes what the interrupted code may be changing;
///           thread-safe but for construction and destruction
/// Pre:      no handler of sigsafe runs on this thread, else construction panics
/// Post:     the set is blocked
/// Errors:   std::system_error; nothing has changed then. EINVAL: the set is empty, has faults,
///           SIGABRT, SIGKILL, SIGSTOP, the wake signal, or a number that is no signal; EBUSY: a
///           stop_signal has a signal; EMFILE, ENFILE, ENOMEM
/// Cost:     three system calls to make it, two to destroy it, and more with at_end::ignore, which
///           registers a handler for a moment; 32 bytes
/// Source:   Linux signalfd(2); POSIX.1-2024 pthread_sigmask, sigtimedwait
class [[nodiscard]] signal_fd {
 public:
  [[nodiscard]] explicit signal_fd(signal_set signals, const signal_fd_options& options = {},
                                   location where = location::current())
      : state_(detail::open_signal_fd(signals, options.at_end, where)) {}
  signal_fd(const signal_fd&) = delete;
  signal_fd& operator=(const signal_fd&) = delete;
  ~signal_fd() { detail::close_signal_fd(state_); }

  [[nodiscard]] signal_set signals() const noexcept { return state_.signals; }

  /// A descriptor that is readable while a signal of the set is pending, for the process or for the
  /// thread that asks: for epoll, poll, guard.poll and every event loop. It is non-blocking and
  /// close-on-exec; do not close it.
  [[nodiscard]] int fd() const noexcept { return state_.descriptor; }

  /// The next signal, or nothing when none is pending. Does not sleep.
  /// Safety:   thread-safe, not async-signal-safe: it may throw
  /// Errors:   std::system_error when other code has closed the descriptor
  /// Cost:     one system call
  [[nodiscard]] std::optional<received_signal> read() {
    siginfo_t info;
    if (detail::read_signal_fd(state_, &info, 1) == 0) return std::nullopt;
    return received_signal{info};
  }

  /// Calls a function with each signal that is pending, at most `most`, as a const signal_info&;
  /// the view ends with the call. Returns how many there were. A function that is noexcept is given
  /// up to 16 for one system call. When another one throws, that signal has been read, and those
  /// behind it are still there.
  /// Errors:   as read, and what the function throws
  template <class F>
    requires std::is_invocable_v<F&, const signal_info&>
  std::size_t drain(F&& function, std::size_t most = static_cast<std::size_t>(-1)) {
    constexpr std::size_t batch =
        std::is_nothrow_invocable_v<F&, const signal_info&> ? detail::signal_fd_batch : 1;
    siginfo_t infos[batch];
    std::size_t all = 0;
    while (all < most) {
      const std::size_t wanted = most - all < batch ? most - all : batch;
      const std::size_t size = detail::read_signal_fd(state_, infos, wanted);
      for (std::size_t i = 0; i < size; ++i) function(signal_info{infos[i]});
      all += size;
      if (size < wanted) break;
    }
    return all;
  }

  /// Sleeps until there is a signal, and reads it. Handlers of other signals run meanwhile and do
  /// not end it; guard.poll with fd() is the sleep that also ends for them. Not a cancellation
  /// point.
  /// Safety:   thread-safe, not async-signal-safe: a handler that waits would hold up its thread
  /// Pre:      this thread blocks the set, holds nothing (no guard, lock or borrow), and no handler
  ///           runs on it; for a hold and a handler it panics
  /// Cost:     one system call, and one more for each handler that interrupts it
  received_signal wait(location where = location::current()) {
    siginfo_t info;
    static_cast<void>(detail::wait_for_signal_fd(state_, info, detail::longest_time, where));
    return received_signal{info};
  }

  /// The same for at most a duration (a std::chrono::duration; a negative one counts as zero).
  template <detail::duration_like Duration>
  [[nodiscard]] std::optional<received_signal> wait_for(const Duration& time,
                                                        location where = location::current()) {
    return wait_until_monotonic(
        detail::saturating_sum(detail::monotonic_now(), detail::to_nanoseconds(time)), where);
  }

  /// The same until a std::chrono::time_point of any clock.
  template <detail::time_point_like Time>
  [[nodiscard]] std::optional<received_signal> wait_until(const Time& time,
                                                          location where = location::current()) {
    for (std::int64_t left = detail::nanoseconds_until(time);;
         left = detail::nanoseconds_until(time)) {
      const std::int64_t end = detail::saturating_sum(detail::monotonic_now(), left);
      auto signal = wait_until_monotonic(end, where);
      if (signal || left == 0) return signal;
    }
  }

 private:
  std::optional<received_signal> wait_until_monotonic(std::int64_t deadline, location where) {
    siginfo_t info;
    if (!detail::wait_for_signal_fd(state_, info, deadline, where)) return std::nullopt;
    return received_signal{info};
  }

  detail::signal_fd_state state_;
};

}  // namespace sigsafe
