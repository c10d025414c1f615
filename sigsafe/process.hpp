// Processes: the mask of the program, children, and what a program is started with.
#pragma once

#include <sigsafe/config.hpp>

#include <sys/types.h>

#include <cstddef>
#include <type_traits>

#include <sigsafe/child.hpp>
#include <sigsafe/exit_status.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/spawn_options.hpp>
#include <sigsafe/string_list.hpp>

namespace sigsafe {

/// The signals that the program itself, and its subset guards, block on this thread: the kernel's
/// mask without what other guards, locks, borrows, deferrals and the open of a guard have added,
/// and without what a signal_fd of this process blocks. Where a guard is held, the kernel's mask
/// must not go to where the guard does not: to a thread, a child or a program that starts there, to
/// a context of makecontext or sigsetjmp. Give them this one. Not so in a handler of sigsafe: there
/// everything maskable is blocked, and whether that is in it depends on how the handler was called.
/// What is started in one wants a mask of its own, or prepare_exec.
///
///     const sigset_t mask = sigsafe::program_mask().native();
///     posix_spawnattr_setsigmask(&attributes, &mask);      // and POSIX_SPAWN_SETSIGMASK
///
/// Safety:   async-signal-safe, thread-safe; errno is kept
/// Cost:     one system call
/// Source:   POSIX.1-2024 pthread_sigmask, posix_spawn
[[nodiscard]] SIGSAFE_API signal_set program_mask() noexcept;

/// Starts a program.
///
///     sigsafe::child sorter = sigsafe::spawn({"sort", "-n"}, {.input = from, .output = to});
///     const sigsafe::exit_status end = sorter.wait();
///
/// The child has the program mask and the default action of every signal, whatever this process
/// holds, handles and ignores, and only the descriptors that it was promised; spawn_options says
/// how to ask for others. It returns when the program runs. Nothing of this process runs in the
/// child before that: no handler, no atfork function.
/// Safety:   thread-safe, also while other threads fork and spawn; not async-signal-safe: it
///           allocates
/// Pre:      no handler runs on this thread; guards may be held
/// Errors:   std::system_error with the error of the kernel and the path: the program is missing or
///           may not be executed, is in no format that the kernel knows (there is no shell behind
///           it), the directory or a descriptor is wrong, there is no room for a process or a
///           descriptor, the kernel has no pidfds (before Linux 5.4). No process, no zombie and no
///           descriptor is left then. Panics in a handler
/// Cost:     a vfork and an execve: it does not grow with the memory of this process
/// Source:   POSIX.1-2024 posix_spawn; Linux clone(2), CLONE_PIDFD
[[nodiscard]] SIGSAFE_API child spawn(const string_list& arguments,
                                      const spawn_options& options = {},
                                      location where = location::current());

/// Takes the status of those children of spawn that have ended, detached ones too, and calls what
/// on_exit has registered; nothing of other children. For a loop, after each SIGCHLD. Returns how
/// many have ended.
/// Safety:   thread-safe, not async-signal-safe
/// Cost:     one system call for each that runs
SIGSAFE_API std::size_t reap_children() noexcept;

namespace detail {

using reap_function = void (*)(void* context, pid_t pid, exit_status end);
SIGSAFE_API std::size_t reap_all(reap_function function, void* context);

}  // namespace detail

/// Takes the status of every child that has ended: for the first process of a PID namespace
/// (PID 1), and for subreapers, to whom the kernel gives the children of processes that have ended.
/// Those of live `child` objects are handed to them, and their on_exit functions called; of all
/// others the function is told the number and the status. It also takes what libraries of this
/// process wait for: in other programs call reap_children. It does not sleep, so it may be called
/// in a guard, in which the functions run then. Returns how many have ended.
///
///     sigsafe::reap_all([](pid_t pid, sigsafe::exit_status end) { … });
///
/// Safety:   thread-safe, not async-signal-safe
/// Errors:   what the function throws; it keeps the rest for the next call
/// Cost:     three system calls for each child that has ended, one for each of spawn that runs
/// Source:   POSIX.1-2024 waitid
template <class F>
std::size_t reap_all(F&& function) {
  using function_type = std::remove_reference_t<F>;
  struct {
    function_type* function;
  } called{&function};
  return detail::reap_all(
      [](void* context, pid_t pid, exit_status end) {
        (*static_cast<decltype(called)*>(context)->function)(pid, end);
      },
      &called);
}
inline std::size_t reap_all() {
  return reap_all([](pid_t, exit_status) {});
}

/// The children of descendants that have ended are given to this process from now on, as they are
/// to PID 1: reap_all takes their statuses. A program that is executed keeps it, a forked child
/// does not.
/// Safety:   async-signal-safe, thread-safe
/// Errors:   std::system_error, when the kernel knows no subreapers (before Linux 3.4)
/// Cost:     one system call
/// Source:   Linux prctl(2), PR_SET_CHILD_SUBREAPER
SIGSAFE_API void become_subreaper();

/// Ends this process as a child of it has ended, so that its own parent sees that: for a supervisor
/// that has had one program to run, and for one that was stopped, by exit_status::of_signal.
///
///     sigsafe::end_as(program.wait());
///
/// A status: exit(3) with it. A signal: its default action, whatever handles, ignores or blocks it,
/// without exit functions and buffered output; and without a core file, because that of the child
/// is the one that tells something. Where the signal does not kill, as in the first process of a
/// PID namespace, the process exits with 128 + its number at once, as shells say it. Unknown, or
/// not ended: exit(1).
/// Safety:   for a signal async-signal-safe and thread-safe; else as exit
/// Source:   POSIX.1-2024 exit, raise
[[noreturn]] SIGSAFE_API void end_as(exit_status end) noexcept;

/// Before an exec in a child of one's own fork: every signal gets its default action, or is
/// ignored, and the mask becomes the program mask; in a child that was forked inside a handler no
/// maskable signal is blocked. A signal that has come to this process inside a guard meets the
/// default action; one that the parent had deferred stays the parent's.
/// Safety:   async-signal-safe
/// Pre:      a process that fork, not vfork, has made, with no other thread
/// Post:     sigsafe's handlers do not run any more in this process
/// Cost:     a system call for each signal
/// Source:   POSIX.1-2024 execve, sigaction
SIGSAFE_API void prepare_exec(signal_set ignored = {}) noexcept;

}  // namespace sigsafe
