// What a process is, apart from what sigsafe does to it.
#pragma once

#include <sigsafe/config.hpp>

#include <sigsafe/signal_set.hpp>

namespace sigsafe {

/// The signals that the program itself, and its subset guards, block on this thread: the kernel's
/// mask without what other guards, locks, borrows and deferrals have added. Where a guard is held,
/// the kernel's mask must not go to where the guard does not: to a thread, a child or a program
/// that starts there, to a context of makecontext or sigsetjmp. Give them this one.
///
///     const sigset_t mask = sigsafe::program_mask().native();
///     posix_spawnattr_setsigmask(&attributes, &mask);      // and POSIX_SPAWN_SETSIGMASK
///
/// Safety:   async-signal-safe, thread-safe; errno is kept
/// Cost:     one system call
/// Source:   POSIX.1-2024 pthread_sigmask, posix_spawn
[[nodiscard]] SIGSAFE_API signal_set program_mask() noexcept;

}  // namespace sigsafe
