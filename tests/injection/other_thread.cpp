#include <tests/injection/other_thread.hpp>

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include <tests/injection/architecture.hpp>

namespace injection {

namespace {

/// Of this thread, for is_asleep.
int open_status() {
  const int status = open("/proc/thread-self/stat", O_RDONLY | O_CLOEXEC);
  if (status >= 0) return status;
  std::perror("the state of a thread cannot be read");
  std::_Exit(3);
}

/// Whether the state behind the thread's name is S.
bool is_asleep(int status) noexcept {
  char text[64];
  architecture::call(SYS_lseek, status, 0, SEEK_SET);
  long i = architecture::call(SYS_read, status, reinterpret_cast<long>(text), sizeof(text)) - 3;
  while (i > 0 && text[i] != ')') --i;
  return i > 0 && text[i + 2] == 'S';
}

constexpr long moment = 100'000;  // nanoseconds

void sleep_moment() noexcept {
  const long time[2] = {0, moment};
  std::uint32_t nobodys = 0;
  architecture::call(SYS_futex, reinterpret_cast<long>(&nobodys), FUTEX_WAIT_PRIVATE, 0,
                     reinterpret_cast<long>(time));
}

/// For a moment, or without end. It may come back for nothing.
void wait_while(const std::uint32_t& word, std::uint32_t value, bool for_a_moment) noexcept {
  const long time[2] = {0, moment};
  architecture::call(SYS_futex, reinterpret_cast<long>(&word), FUTEX_WAIT_PRIVATE, value,
                     for_a_moment ? reinterpret_cast<long>(time) : 0);
}

}  // namespace

other_thread::other_thread(void (*act)()) : act_(act), status_of_first_(open_status()) {
  pthread_t thread;
  if (pthread_create(&thread, nullptr, &other_thread::begin, this) != 0) {
    std::fputs("the other thread cannot be started\n", stderr);
    std::_Exit(3);
  }
  pthread_detach(thread);
  join();
}

void* other_thread::begin(void* self) { static_cast<other_thread*>(self)->run(); }

// For a debugger: the other thread begins to act, and the first one stands at the instruction.
extern "C" [[gnu::noinline, gnu::used]] void injection_turn() { asm volatile("" ::: "memory"); }

void other_thread::run() noexcept {
  thread_ = architecture::call(SYS_gettid);
  own_status_ = open_status();
  for (;;) {
    change_phase(waits);
    while (phase() == waits) wait_while(phase_, waits, false);
    change_phase(acts);
    while (when_ == turn::when_asleep && !first_is_asleep()) sleep_moment();
    injection_turn();
    act_();
  }
}

void other_thread::change_phase(std::uint32_t to) noexcept {
  __atomic_store_n(&phase_, to, __ATOMIC_RELEASE);
  architecture::call(SYS_futex, reinterpret_cast<long>(&phase_), FUTEX_WAKE_PRIVATE, INT_MAX);
}

void other_thread::let_through(turn when) noexcept {
  if (phase() != waits) return;
  when_ = when;
  __atomic_store_n(&first_stands_, when == turn::at_once, __ATOMIC_RELEASE);
  change_phase(called);
  if (when == turn::when_asleep) return;
  for (std::uint32_t seen; (seen = phase()) != waits;) {
    wait_while(phase_, seen, true);
    // It was awake when its turn began.
    if (phase() == acts && is_asleep(own_status_) && phase() == acts) break;
  }
  __atomic_store_n(&first_stands_, false, __ATOMIC_RELEASE);
}

void other_thread::join() noexcept {
  for (std::uint32_t seen; (seen = phase()) != waits;) wait_while(phase_, seen, false);
}

bool other_thread::is_calling() const noexcept { return architecture::call(SYS_gettid) == thread_; }

bool other_thread::first_is_asleep() const noexcept {
  return !__atomic_load_n(&first_stands_, __ATOMIC_ACQUIRE) && is_asleep(status_of_first_);
}

}  // namespace injection
