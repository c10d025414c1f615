// Last words: what a program says when it crashes.
#pragma once

#include <sigsafe/config.hpp>

#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <sigsafe/alternate_stack.hpp>
#include <sigsafe/detail/handler_node.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/signal_info.hpp>
#include <sigsafe/signal_set.hpp>

namespace sigsafe {

/// What is known of a crash, for the function of a crash_handler. It lasts as long as that runs.
/// Safety:   async-signal-safe; as thread-safe as a const reference
/// Cost:     a pointer and a flag; for the members, see there
class crash_info {
 public:
  explicit crash_info(const signal_info& signal) noexcept : signal_(signal) {}

  /// The signal, with the address that could not be accessed, and the registers.
  [[nodiscard]] const signal_info& signal() const noexcept { return signal_; }

  /// The instruction that crashed, or, after a trap and a system call, the next one; 0 when it is
  /// not known, because other code called sigsafe's handler without a context.
  /// Cost:     a few instructions
  [[nodiscard]] SIGSAFE_API std::uintptr_t program_counter() const noexcept;

  /// Where the functions return to that called the one that crashed, innermost first. Returns how
  /// many there are, at most `size`. They are found by frame pointers, in code that is compiled
  /// with -fno-omit-frame-pointer; elsewhere the list ends early, or leaves callers out. The stack
  /// is read by a system call that cannot fault, so it may be broken.
  /// Cost:     a system call for each, and the file of the process's mappings
  [[nodiscard]] SIGSAFE_API std::size_t return_addresses(std::uintptr_t* to,
                                                         std::size_t size) const noexcept;

  /// Writes what a crash_handler without a function of its own writes: one line, by one write(2).
  /// Addresses of code are written as the file they are in and the offset there:
  ///
  ///     sigsafe: SIGSEGV (code 1) at address 0x8, pc server+0x11a9, thread 4711 (worker) of
  ///     process 4700, returns to server+0x11c2 server+0x1210 libc.so.6+0x2724a
  ///
  /// `addr2line -e server 0x11a9` tells the line of the source. False when it could not be written
  /// at once; a reader who does not read is waited for one second.
  /// Cost:     some ten system calls, and two for each return address; 3 KiB of stack
  SIGSAFE_API bool write_to(int fd) const noexcept;

  /// The same text into memory, without "sigsafe: " and without the end of the line. Returns how
  /// long it is; what is longer than `size` is cut.
  SIGSAFE_API std::size_t write_to(char* to, std::size_t size) const noexcept;

 private:
  signal_info signal_;
};

/// Written by name, in alphabetical order: {.fd = log, .stack = 16384}.
struct crash_options {
  /// Where the line is written, without a function; standard error.
  int fd = 2;
  /// The room of the alternate stack that the constructor makes for its own thread.
  std::size_t stack = alternate_stack::default_room;
};

namespace detail {

/// The function of a crash_handler that was given none.
class crash_line {
 public:
  explicit crash_line(int fd) noexcept : fd_(fd) {}  // no aggregate, which {.fd = 3} might mean
  void operator()(const crash_info& crash) const noexcept { crash.write_to(fd_); }

 private:
  int fd_;
};

}  // namespace detail

/// While it lives, a crash of the program is reported before the program ends as it would have
/// ended. A crash is SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP or SIGSYS that no other handler deals
/// with, and SIGABRT: see below. The report is a line on a descriptor, or a function:
///
///     const sigsafe::crash_handler crash;                           // a line on standard error
///     const sigsafe::crash_handler crash{{.fd = log}};              // a line there
///     const sigsafe::crash_handler crash{[](const sigsafe::crash_info& crash) noexcept {
///       crash.write_to(log);
///     }};
///
/// It runs on the alternate stack, so that a stack overflow is reported too: on the thread that
/// made it, and on those that have an alternate_stack of their own. It waits for no guard, no lock
/// and no borrow, is there in forked children, and comes after all other handlers of the signal,
/// whichever was registered first. Several are called newest first.
///
/// What is a crash: a handler of sigsafe without .chain that runs for a fault deals with it, until
/// the same fault comes again and is not repaired (see handler). SIGABRT is one whatever other
/// handlers do, because abort does not return.
///
/// Then:
/// - a function that stood there before sigsafe is called, with its mask and a real context. A
///   managed runtime repairs faults there, and when it returns the program goes on. Make the
///   crash_handler before the runtime starts, or what it repairs is reported as well. A function
///   that repairs nothing is not called for ever: then the process ends;
/// - else the process ends by the signal. Its siginfo is queued again with the default action, and
///   the handler returns: parents see the signal, and core files the instruction that crashed.
///   Other threads that are in their report come to its end first, for at most one second;
/// - the first process of a PID namespace, which nobody can kill by a signal from inside, ends by
///   the fault itself when the instruction fails again, and else with exit status 128 + n.
///
/// A thread on which other code has blocked the fault itself (sigfillset) ends the process without
/// a report: the kernel kills then, and calls nobody.
///
/// A crash in the function ends the process, by the signal of that crash; the line for the first
/// one is written before, on standard error.
/// Safety:   construction and destruction are thread-safe and not async-signal-safe. The function
///           runs in a signal handler: it may call what is async-signal-safe, and must not throw,
///           must leave the mask as it found it and must not longjmp out
/// Pre:      destruction: on the thread that made it, and not in the function, else it panics
/// Post:     destruction: no thread is inside the function; the dispositions before are back
/// Exit:     as for handler
/// Errors:   std::system_error when there is no memory for the alternate stack, or when a signal
///           cannot be handled; nothing has changed then. std::bad_alloc
/// Cost:     17 system calls; nothing until a crash
/// Source:   POSIX.1-2024 sigaction, sigaltstack
template <class F = detail::crash_line>
class [[nodiscard]] crash_handler : private detail::handler_base {
  static_assert(std::is_nothrow_invocable_v<F&, const crash_info&>,
                "sigsafe::crash_handler: the function must be callable with (const "
                "sigsafe::crash_info&), and noexcept: write [...](const sigsafe::crash_info&) "
                "noexcept { ... }");

 public:
  [[nodiscard]] explicit crash_handler(crash_options options = {},
                                       location where = location::current())
    requires std::is_same_v<F, detail::crash_line>
      : crash_handler(F{options.fd}, options, where) {}
  [[nodiscard]] explicit crash_handler(F function, crash_options options = {},
                                       location where = location::current())
      : handler_base(signals(), &call, {.alternate_stack = true, .chain = true, .restart = true},
                     where),
        stack_(options.stack, where),
        function_(std::move(function)) {
    reports_crashes = true;
    detail::register_handler(*this);
  }
  crash_handler(const crash_handler&) = delete;
  crash_handler& operator=(const crash_handler&) = delete;
  ~crash_handler() { detail::unregister_handler(*this); }

  /// The faults and SIGABRT.
  [[nodiscard]] static constexpr signal_set signals() noexcept {
    return signal_set::faults() | signal_set{SIGABRT};
  }

  /// Whether the kernel calls sigsafe for all of these signals: false when a library has replaced
  /// sigsafe's disposition of one of them.
  /// Safety:   async-signal-safe, thread-safe
  /// Cost:     seven system calls
  [[nodiscard]] bool in_force() const noexcept { return detail::is_in_force(*this); }

  /// Takes the signals back. What the library has installed is what is called behind the report.
  /// Safety:   thread-safe, not async-signal-safe
  /// Post:     in_force(), until somebody replaces it again
  /// Errors:   std::system_error, when the kernel refuses
  void reinstall() { detail::reinstall_handler(*this); }

 private:
  static void call(detail::handler_base& base, const signal_info& signal) noexcept {
    static_cast<crash_handler&>(base).function_(crash_info{signal});
  }

  alternate_stack stack_;
  F function_;
};

}  // namespace sigsafe
