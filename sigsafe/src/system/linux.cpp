#include <sigsafe/src/system/system.hpp>

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/posix_types.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

#include <algorithm>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <system_error>

#include <sigsafe/detail/futex.hpp>
#include <sigsafe/panic.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/errno_saver.hpp>

namespace sigsafe::detail {

void futex_wait(const std::uint32_t* word, std::uint32_t value) noexcept {
  const errno_saver saver;
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, nullptr);
}

bool futex_wait_until(const std::uint32_t* word, std::uint32_t value,
                      std::int64_t deadline) noexcept {
  constexpr std::int64_t second = 1'000'000'000;
  const errno_saver saver;
  // What this system call takes is not the C library's timespec, where that has 64 bits and the
  // kernel's has not. The kernel refuses negative times.
  const std::int64_t since_start = std::max<std::int64_t>(deadline, 0);
  const struct {
    __kernel_long_t seconds, nanoseconds;
  } time{static_cast<__kernel_long_t>(std::min<std::int64_t>(
             since_start / second, std::numeric_limits<__kernel_long_t>::max())),
         static_cast<__kernel_long_t>(since_start % second)};
  // Unlike FUTEX_WAIT it takes a point in time, which interruptions do not move.
  return syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, &time, nullptr,
                 FUTEX_BITSET_MATCH_ANY) == 0 ||
         errno != ETIMEDOUT;
}

std::int64_t monotonic_now() noexcept {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void futex_wake(const std::uint32_t* word, int sleepers) noexcept {
  const errno_saver saver;
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, sleepers);
}

void futex_move(const std::uint32_t* from, const std::uint32_t* to) noexcept {
  const errno_saver saver;
  constexpr long all = INT_MAX;  // in the place of a timeout
  syscall(SYS_futex, from, FUTEX_REQUEUE_PRIVATE, 0, all, to);
}

}  // namespace sigsafe::detail

namespace sigsafe::detail::system {

int own_thread() noexcept { return static_cast<int>(syscall(SYS_gettid)); }

int queue_to_thread(int thread, const siginfo_t& info) noexcept {
  const errno_saver saver;
  return syscall(SYS_rt_tgsigqueueinfo, getpid(), thread, info.si_signo, &info) == 0 ? 0 : errno;
}

int queue_to_this_thread(const siginfo_t& info) noexcept {
  return queue_to_thread(own_thread(), info);
}

// What says that it comes from the kernel, or from kill, a thread may queue to nobody but itself:
// rt_sigqueueinfo takes its number for that, which is the process's only in the first thread. Linux
// 6.9 knows a descriptor of the thread whose signal goes to all of its process.
int queue_to_this_process(const siginfo_t& info) noexcept {
  if (syscall(SYS_rt_sigqueueinfo, getpid(), info.si_signo, &info) == 0) return 0;
  if (errno != EPERM) return errno;
  constexpr unsigned of_a_thread = O_EXCL;      // PIDFD_THREAD
  constexpr unsigned to_its_process = 1U << 1;  // PIDFD_SIGNAL_THREAD_GROUP
  const auto self = static_cast<int>(syscall(SYS_pidfd_open, own_thread(), of_a_thread));
  if (self < 0) return EPERM;
  const bool sent = syscall(SYS_pidfd_send_signal, self, info.si_signo, &info, to_its_process) == 0;
  close_descriptor(self);
  return sent ? 0 : EPERM;
}

// What this system call takes is not the C library's timespec, where that has 64 bits and the
// kernel's has not. About 31 years stand for every longer time.
bool take_pending(signal_set signals, siginfo_t& info, std::int64_t nanoseconds) noexcept {
  constexpr std::int64_t second = 1'000'000'000;
  const errno_saver saver;
  const std::uint64_t bits = signals.bits();
  const struct {
    __kernel_long_t seconds, nanoseconds;
  } time{static_cast<__kernel_long_t>(std::min(nanoseconds / second, second)),
         static_cast<__kernel_long_t>(nanoseconds % second)};
  return syscall(SYS_rt_sigtimedwait, &bits, &info, &time, kernel_mask_size) > 0;
}

int send_to_thread(std::uint32_t thread, int signal) noexcept {
  const errno_saver saver;
  return syscall(SYS_tgkill, getpid(), thread, signal) == 0 ? 0 : errno;
}

int make_timer(int clock, int signal, int thread, void* value, timer_t& made) noexcept {
  sigevent event{};
  event.sigev_signo = signal;
  event.sigev_value.sival_ptr = value;
  event.sigev_notify = thread != 0 ? SIGEV_THREAD_ID : SIGEV_SIGNAL;
#if defined(sigev_notify_thread_id)
  event.sigev_notify_thread_id = thread;
#else
  event._sigev_un._tid = thread;
#endif
  return timer_create(clock, &event, &made) == 0 ? 0 : errno;
}

namespace {

// The last moment that this time_t has stands for every later one.
timespec to_timespec(std::int64_t nanoseconds) noexcept {
  constexpr std::int64_t second = 1'000'000'000;
  constexpr std::int64_t last = std::numeric_limits<time_t>::max();
  return {static_cast<time_t>(std::min(nanoseconds / second, last)),
          static_cast<long>(nanoseconds % second)};
}

std::int64_t to_nanoseconds(const timespec& time) noexcept {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

void set_timer(timer_t timer, std::int64_t first, std::int64_t interval) noexcept {
  const errno_saver saver;
  const itimerspec times{to_timespec(interval), to_timespec(first)};
  // ESRCH: the thread whose time it measures has ended, and so that has come to an end, too.
  if (timer_settime(timer, TIMER_ABSTIME, &times, nullptr) != 0 && errno != ESRCH) [[unlikely]]
    panic("timer_settime failed, which it does not do for valid arguments", {nullptr, 0});
}

std::int64_t remaining(timer_t timer) noexcept {
  const errno_saver saver;
  itimerspec times{};
  timer_gettime(timer, &times);
  return to_nanoseconds(times.it_value);
}

void remove_timer(timer_t timer) noexcept {
  const errno_saver saver;
  timer_delete(timer);
}

int clock_with_suspension() noexcept { return CLOCK_BOOTTIME; }

std::int64_t time_of(int clock) noexcept {
  timespec now{};
  clock_gettime(clock, &now);
  return to_nanoseconds(now);
}

int poll(pollfd* fds, nfds_t size, std::int64_t nanoseconds, signal_set blocked) {
  const sigset_t mask = blocked.native();
  constexpr std::int64_t second = 1'000'000'000;
  // About 31 years stand for every longer time: time_t may have 32 bits.
  const std::int64_t seconds = std::min(nanoseconds / second, second);
  const timespec limit{static_cast<time_t>(seconds), static_cast<long>(nanoseconds % second)};
  return ::ppoll(fds, size, nanoseconds < 0 ? nullptr : &limit, &mask);
}

// By syscall, because the functions of the C library are cancellation points.
int make_wake_descriptor(int& made) noexcept {
  const errno_saver saver;
  made = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return made >= 0 ? 0 : errno;
}

// It fails only when it has been written 2^64 - 2 times, and is readable then.
void make_readable(int descriptor) noexcept {
  const errno_saver saver;
  constexpr std::uint64_t one = 1;
  syscall(SYS_write, descriptor, &one, sizeof(one));
}

void make_unreadable(int descriptor) noexcept {
  const errno_saver saver;
  std::uint64_t count;
  syscall(SYS_read, descriptor, &count, sizeof(count));
}

void close_descriptor(int descriptor) noexcept {
  const errno_saver saver;
  syscall(SYS_close, descriptor);
}

bool copy_from(const void* place, void* to, std::size_t size) noexcept {
  const errno_saver saver;
  const iovec local{to, size};
  const iovec remote{const_cast<void*>(place), size};
  const long copied = syscall(SYS_process_vm_readv, getpid(), &local, 1UL, &remote, 1UL, 0UL);
  return copied == static_cast<long>(size);
}

namespace {

// Never null, which system calls take for "none".
template <class T>
T* word_around(T* address) noexcept {
  constexpr std::uintptr_t size = 8;
  const std::uintptr_t word = reinterpret_cast<std::uintptr_t>(address) / size * size;
  return reinterpret_cast<T*>(word != 0 ? word : size);
}

}  // namespace

// The kernel reads the new mask before it finds that there is no such way to set it.
bool is_readable(const void* address) noexcept {
  const errno_saver saver;
  constexpr int no_way = -1;
  return syscall(SYS_rt_sigprocmask, no_way, word_around(address), nullptr, kernel_mask_size) ==
             0 ||
         errno != EFAULT;
}

// Wakes nobody, and combines the word with no bits, atomically.
bool is_writable(void* address) noexcept {
  const errno_saver saver;
  std::uint32_t unused = 0;
  constexpr unsigned or_nothing = FUTEX_OP(FUTEX_OP_OR, 0U, FUTEX_OP_CMP_EQ, 0U);
  return syscall(SYS_futex, &unused, FUTEX_WAKE_OP_PRIVATE, 0, nullptr, word_around(address),
                 or_nothing) >= 0;
}

// A thread that is alone has nothing to leave, so nothing changes; others are refused.
bool is_alone() noexcept {
  const errno_saver saver;
  return syscall(SYS_unshare, CLONE_THREAD) == 0;
}

thread_name own_name() noexcept {
  thread_name name{};
  prctl(PR_GET_NAME, name.text);
  return name;
}

// The constant MINSIGSTKSZ is older than the registers of today's processors. Kernels that do not
// tell (x86: before 5.14) have frames of up to 11 KiB.
std::size_t smallest_signal_stack() noexcept {
  constexpr std::size_t not_told = 16384;
  constexpr unsigned long minimum_of_kernel = 51;  // AT_MINSIGSTKSZ
  const std::size_t told = getauxval(minimum_of_kernel);
  return std::max(told != 0 ? told : not_told, static_cast<std::size_t>(MINSIGSTKSZ));
}

namespace {

struct walk {
  std::uintptr_t until;
  exit_search found;
};

_Unwind_Reason_Code visit(_Unwind_Context* context, void* argument) noexcept {
  auto& here = *static_cast<walk*>(argument);
  const auto frame = static_cast<std::uintptr_t>(_Unwind_GetCFA(context));
  here.found.complete = here.until != 0 && frame > here.until;
  if (here.found.complete) return _URC_NORMAL_STOP;
  // exit does not return: what it has pushed may be the address behind its last instruction.
  const auto inside = static_cast<std::uintptr_t>(_Unwind_GetIP(context)) - 1;
  if (_Unwind_FindEnclosingFunction(reinterpret_cast<void*>(inside)) !=
      reinterpret_cast<void*>(&std::exit))
    return _URC_NO_REASON;
  here.found.frame = reinterpret_cast<const void*>(frame);
  return _URC_NORMAL_STOP;
}

}  // namespace

exit_search find_exit(const void* until) noexcept {
  walk here{reinterpret_cast<std::uintptr_t>(until), {nullptr, false}};
  _Unwind_Backtrace(&visit, &here);
  return here.found;
}

void* map_wiped_by_fork(std::size_t size) {
  void* const memory =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    throw std::system_error(errno, std::generic_category(),
                            "sigsafe: no memory for the page that tells processes apart");
  if (madvise(memory, size, MADV_WIPEONFORK) != 0) {
    const int error = errno;
    munmap(memory, size);
    throw std::system_error(
        error, std::generic_category(),
        "sigsafe: the kernel has no MADV_WIPEONFORK; Linux 4.14 or newer is needed");
  }
  return memory;
}

void unmap(void* memory, std::size_t size) noexcept { munmap(memory, size); }

}  // namespace sigsafe::detail::system
