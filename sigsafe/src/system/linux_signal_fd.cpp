// Signals that are read from a descriptor: signalfd(2).
#include <sigsafe/src/system/system.hpp>

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <sigsafe/signal_info.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/errno_saver.hpp>

namespace sigsafe::detail::system {
namespace {

void copy_sender(const signalfd_siginfo& from, siginfo_t& to) noexcept {
  to.si_pid = static_cast<pid_t>(from.ssi_pid);
  to.si_uid = from.ssi_uid;
}

// The pointer is the whole of it: the kernel takes the int from its lower half.
void copy_value(const signalfd_siginfo& from, siginfo_t& to) noexcept {
  to.si_value.sival_ptr = reinterpret_cast<void*>(static_cast<std::uintptr_t>(from.ssi_ptr));
}

void copy_child(const signalfd_siginfo& from, siginfo_t& to) noexcept {
  copy_sender(from, to);
  to.si_status = from.ssi_status;
  to.si_utime = static_cast<decltype(to.si_utime)>(from.ssi_utime);
  to.si_stime = static_cast<decltype(to.si_stime)>(from.ssi_stime);
}

void copy_descriptor(const signalfd_siginfo& from, siginfo_t& to) noexcept {
  to.si_band = static_cast<decltype(to.si_band)>(from.ssi_band);
  to.si_fd = from.ssi_fd;
}

void copy_timer(const signalfd_siginfo& from, siginfo_t& to) noexcept {
  to.si_timerid = static_cast<int>(from.ssi_tid);
  to.si_overrun = static_cast<int>(from.ssi_overrun);
  copy_value(from, to);
}

// The members of siginfo_t share their memory: only those of its origin are written. Faults cannot
// be blocked and so are not read.
siginfo_t to_siginfo(const signalfd_siginfo& from) noexcept {
  using origin = signal_info::origin;
  siginfo_t to;
  std::memset(&to, 0, sizeof(to));
  to.si_signo = static_cast<int>(from.ssi_signo);
  to.si_errno = from.ssi_errno;
  to.si_code = from.ssi_code;
  const signal_info view{to};
  if (view.child()) {
    copy_child(from, to);
  } else if (view.descriptor()) {
    copy_descriptor(from, to);
  } else if (view.from() == origin::timer) {
    copy_timer(from, to);
  } else {
    copy_sender(from, to);
    if (from.ssi_code < 0) copy_value(from, to);  // else kill or the kernel has sent it
  }
  return to;
}

}  // namespace

int make_signal_descriptor(signal_set signals, int& made) noexcept {
  const errno_saver saver;
  const sigset_t native = signals.native();
  made = signalfd(-1, &native, SFD_NONBLOCK | SFD_CLOEXEC);
  return made >= 0 ? 0 : errno;
}

// By syscall, because read of the C library is a cancellation point.
int read_signals(int descriptor, siginfo_t* infos, std::size_t& size) noexcept {
  const errno_saver saver;
  signalfd_siginfo records[most_signals_read];
  const long bytes = syscall(SYS_read, descriptor, records, size * sizeof(records[0]));
  size = bytes > 0 ? static_cast<std::size_t>(bytes) / sizeof(records[0]) : 0;
  for (std::size_t i = 0; i < size; ++i) infos[i] = to_siginfo(records[i]);
  return bytes >= 0 || errno == EAGAIN ? 0 : errno;
}

}  // namespace sigsafe::detail::system
