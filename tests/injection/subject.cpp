#include <tests/injection/subject.hpp>

#include <unistd.h>

namespace injection {

record seen;

std::vector<entry>& subjects() {
  static std::vector<entry> all;
  return all;
}

void send(int signal) noexcept {
  seen.note_sent(signal);
  syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), signal);
}

void record::reset() noexcept {
  for (int signal = 0; signal <= 64; ++signal) {
    sent_[signal] = 0;
    handled_[signal] = 0;
  }
  last_payload_ = 0;
  disorder_ = false;
  wrong_ = nullptr;
}

void record::note_handled(const siginfo_t& info) noexcept {
  __atomic_fetch_add(&handled_[info.si_signo], 1, __ATOMIC_RELAXED);
  if (info.si_code != SI_QUEUE) return;
  if (info.si_value.sival_int != last_payload_ + 1) disorder_ = true;
  last_payload_ = info.si_value.sival_int;
}

const char* record::compare(bool in_order) const noexcept {
  if (wrong_ != nullptr) return wrong_;
  for (int signal = 1; signal <= 64; ++signal) {
    const int expected = signal == ignored_signal ? 0 : sent_[signal];
    if (handled_[signal] < expected) return "a signal was lost: its handler did not run";
    if (handled_[signal] > expected) return "a handler ran more often than its signal was sent";
  }
  return in_order && disorder_ ? "real-time signals came in another order than they were sent"
                               : nullptr;
}

}  // namespace injection
