// What sigsafe needs of the system beyond POSIX, behind one interface. One .cpp file for each
// system implements it, and no other file calls what is not in POSIX; what must be in line is in a
// header beside it. The futex functions belong here too; inline code of users calls them, so they
// are declared in detail/futex.hpp.
//
// All of it but map_wiped_by_fork is async-signal-safe and thread-safe.
#pragma once

#include <sigsafe/config.hpp>

#include <poll.h>
#include <signal.h>
#include <time.h>

#include <cstddef>
#include <cstdint>

#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/system/linux_mask.hpp>  // IWYU pragma: export

namespace sigsafe::detail::system {

/// The kernel's number of the calling thread.
int own_thread() noexcept;

/// Queues a signal, with exactly this siginfo, to a thread of this process. Returns 0 or the error:
/// EPERM when it is another thread, and the code is the kernel's own or that of kill or tgkill.
int queue_to_thread(int thread, const siginfo_t& info) noexcept;

/// The same for the calling thread, whose siginfo may look like anything.
int queue_to_this_thread(const siginfo_t& info) noexcept;

/// The same to this process. Returns EPERM when the kernel lets only the first thread do so with a
/// siginfo that says that the kernel, or kill, sent the signal.
int queue_to_this_process(const siginfo_t& info) noexcept;

/// Takes a signal of the set that is pending: one of the calling thread, or else of its process.
/// Waits for one so long. Returns false when none is, and when a handler has interrupted the wait;
/// errno is kept. No cancellation point, and the code is what it was.
/// Pre:      the set is blocked
bool take_pending(signal_set signals, siginfo_t& info, std::int64_t nanoseconds = 0) noexcept;

/// Makes a descriptor from which the signals of the set are read; it is not inherited by programs,
/// and does not sleep. Returns 0 or the error; errno is kept, also by the next one.
int make_signal_descriptor(signal_set signals, int& made) noexcept;

/// Reads up to `size` signals, and sets it to how many there were. Returns 0 or the error; that
/// none is pending is none.
/// Pre:      size <= most_signals_read
inline constexpr std::size_t most_signals_read = 16;
int read_signals(int descriptor, siginfo_t* infos, std::size_t& size) noexcept;

/// Sends a signal to a thread of this process. Returns 0 or the error; errno is kept.
int send_to_thread(std::uint32_t thread, int signal) noexcept;

/// A timer that sends a signal with this value: to the process, or, if a thread is named, to that.
/// Returns 0 or the error. Not for a clock that the system does not have.
int make_timer(int clock, int signal, int thread, void* value, timer_t& made) noexcept;

/// When a timer goes off next, in nanoseconds of its clock since the clock's beginning, and how far
/// the times after that are apart; 0: none after that, or none at all.
void set_timer(timer_t timer, std::int64_t first, std::int64_t interval) noexcept;

/// In how many nanoseconds it goes off next; 0 when it does not.
std::int64_t remaining(timer_t timer) noexcept;
void remove_timer(timer_t timer) noexcept;

/// The clock that goes on while the system is suspended.
int clock_with_suspension() noexcept;

/// What a clock shows, in nanoseconds.
std::int64_t time_of(int clock) noexcept;

/// Sleeps as ppoll does, for at most `nanoseconds`, or without end when they are negative. The
/// kernel's mask is `blocked` meanwhile. A cancellation point.
int poll(pollfd* fds, nfds_t size, std::int64_t nanoseconds, signal_set blocked);

/// Makes a descriptor that can be made readable, for poll and its like; programs that this one
/// becomes do not have it. Returns 0 or the error. errno is kept, also by those below.
int make_wake_descriptor(int& made) noexcept;
void make_readable(int descriptor) noexcept;
void make_unreadable(int descriptor) noexcept;
void close_descriptor(int descriptor) noexcept;

/// Copies from a place that may not be readable; false when it is not. errno is kept.
bool copy_from(const void* place, void* to, std::size_t size) noexcept;

/// Whether the kernel can read, or write, the word around an address for this process. Changes
/// nothing there.
bool is_readable(const void* address) noexcept;
bool is_writable(void* address) noexcept;

/// Whether no other thread shares this one's memory. False when the kernel does not tell.
bool is_alone() noexcept;

/// The name of the calling thread, as the kernel knows it.
struct thread_name {
  char text[16];
};
thread_name own_name() noexcept;

/// How large a stack must be for the frame of a signal alone, on this processor.
std::size_t smallest_signal_stack() noexcept;

/// What a search for exit(3) on the stack has found.
struct exit_search {
  const void* frame;  // where the frame of exit ends, or null
  bool complete;      // the search went as far as it was asked to
};

/// Looks for exit(3) on the calling thread's stack, from here out to the frame at `until`, or, when
/// that is null, as far as it comes. It needs the unwind tables of the C library: without them it
/// finds nothing, and says that it is not complete. Not async-signal-safe by the book: exit is not
/// either.
exit_search find_exit(const void* until) noexcept;

/// Maps memory that reads as zeros, and does so again in every forked child, also after _Fork and
/// clone, which run no atfork handler. It is never unmapped but by unmap, in a lost race.
/// Errors:   std::system_error
void* map_wiped_by_fork(std::size_t size);
void unmap(void* memory, std::size_t size) noexcept;

}  // namespace sigsafe::detail::system
