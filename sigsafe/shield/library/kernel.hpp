// System calls as the kernel has them: nothing here runs other code of libraries, or keeps errno.
#pragma once

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

namespace shield::kernel {

using signal_bits = uint64_t;  ///< bit n - 1: the signal n
using timer = int;

constexpr signal_bits bit_of(int signal) noexcept { return signal_bits{1} << (signal - 1); }

inline signal_bits bits_of(const sigset_t& set) noexcept {
  signal_bits bits;
  memcpy(&bits, &set, sizeof(bits));
  return bits;
}

inline void set_bits(sigset_t& set, signal_bits bits) noexcept {
  memcpy(&set, &bits, sizeof(bits));
}

inline void set_mask(signal_bits mask) noexcept {
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, nullptr, sizeof(mask));
}

/// Returns the mask as it was.
inline signal_bits block(signal_bits signals) noexcept {
  signal_bits before = 0;
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, &signals, &before, sizeof(signals));
  return before;
}

inline signal_bits pending() noexcept {
  signal_bits bits = 0;
  syscall(SYS_rt_sigpending, &bits, sizeof(bits));
  return bits;
}

inline pid_t process() noexcept { return static_cast<pid_t>(syscall(SYS_getpid)); }
inline pid_t thread() noexcept { return static_cast<pid_t>(syscall(SYS_gettid)); }

/// To this thread, as if it came again.
inline bool queue(int signal, const siginfo_t& info) noexcept {
  return syscall(SYS_rt_tgsigqueueinfo, process(), thread(), signal, &info) == 0;
}

inline bool start_timer(timer& made, int signal, long nanoseconds) noexcept {
  sigevent event;
  memset(&event, 0, sizeof(event));
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = signal;
  event._sigev_un._tid = thread();
  if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &made) != 0) return false;
  // Two words each, of the size that the system call has here.
  const long time[4] = {0, 0, nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
#ifdef SYS_timer_settime
  return syscall(SYS_timer_settime, made, 0, time, nullptr) == 0;
#else
  return syscall(SYS_timer_settime64, made, 0, time, nullptr) == 0;
#endif
}

inline void restart_timer(timer made, long nanoseconds) noexcept {
  const long time[4] = {0, 0, nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
#ifdef SYS_timer_settime
  syscall(SYS_timer_settime, made, 0, time, nullptr);
#else
  syscall(SYS_timer_settime64, made, 0, time, nullptr);
#endif
}

inline void stop_timer(timer made) noexcept { syscall(SYS_timer_delete, made); }

/// The code under test may be in the middle of setting it.
class errno_saver {
 public:
  errno_saver() noexcept : saved_(errno) {}
  errno_saver(const errno_saver&) = delete;
  errno_saver& operator=(const errno_saver&) = delete;
  ~errno_saver() { errno = saved_; }

 private:
  int saved_;
};

}  // namespace shield::kernel
