// What sigsafe needs of the system beyond POSIX, behind one interface. One .cpp file for each
// system implements it, and no other file calls what is not in POSIX. The futex functions belong
// here too; inline code of users calls them, so they are declared in detail/futex.hpp.
//
// All of it but map_wiped_by_fork is async-signal-safe and thread-safe.
#pragma once

#include <sigsafe/config.hpp>

#include <poll.h>
#include <signal.h>

#include <cstddef>
#include <cstdint>

#include <sigsafe/signal_set.hpp>

namespace sigsafe::detail::system {

/// How many bytes of uc_sigmask in a signal frame are the kernel's. A sigset_t is larger.
inline constexpr std::size_t kernel_mask_size = 8;

/// Changes the calling thread's mask as pthread_sigmask does (SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK);
/// returns the mask before.
signal_set change_mask(int how, signal_set signals) noexcept;

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

/// Sends a signal to a thread of this process. Returns 0 or the error; errno is kept.
int send_to_thread(std::uint32_t thread, int signal) noexcept;

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
