// Reports of crashes, and the end of the process behind them. docs/explanation/crashes.md says what
// a parent and a core file see.
#pragma once

#include <signal.h>

#include <sigsafe/crash.hpp>
#include <sigsafe/signal_info.hpp>
#include <sigsafe/signal_set.hpp>

namespace sigsafe::detail {

/// While it lives the crash handlers of this thread run. Faults are not blocked meanwhile: a crash
/// in one of them comes to the trampoline, and the first one is not lost.
class crash_report {
 public:
  explicit crash_report(const signal_info& signal) noexcept;
  crash_report(const crash_report&) = delete;
  crash_report& operator=(const crash_report&) = delete;
  ~crash_report();

 private:
  crash_info crash_;
  signal_set mask_;
};

bool is_reporting_crash() noexcept;

/// A crash handler of this thread has crashed: says so in a line about the first crash, and takes
/// the thread out of those that others wait for.
/// Pre:      is_reporting_crash()
void report_crash_while_reporting() noexcept;

/// Lets other threads finish their reports, and the process end by the signal: in a frame of the
/// kernel's as soon as the handler returns, with the context of the crash. `fails_again`: the
/// instruction does, too.
void end_process(const siginfo_t& info, bool in_kernels_frame, bool fails_again) noexcept;

}  // namespace sigsafe::detail
