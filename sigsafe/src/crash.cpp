#include <sigsafe/src/crash.hpp>

#include <signal.h>
#include <unistd.h>

#include <cstdint>
#include <limits>

#include <sigsafe/crash.hpp>
#include <sigsafe/detail/futex.hpp>
#include <sigsafe/signal_info.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/crash_line.hpp>
#include <sigsafe/src/mask.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/system/system.hpp>

namespace sigsafe::detail {
namespace {

// The crash that this thread reports. Only the trampoline's copy of the library uses it.
constinit thread_local const crash_info* reported __attribute__((tls_model("initial-exec"))) =
    nullptr;
// The process in which others wait for that; 0 when they no longer do.
constinit thread_local std::uint32_t counted_in __attribute__((tls_model("initial-exec"))) = 0;

void count_this_thread() noexcept {
  counted_in = process_generation();
  __atomic_fetch_add(&page().crashes, 1, __ATOMIC_SEQ_CST);
}

// In a child of a fork in the crash handler nobody has counted it.
void discount_this_thread() noexcept {
  const bool counted = counted_in == process_generation();
  counted_in = 0;
  if (counted && __atomic_sub_fetch(&page().crashes, 1, __ATOMIC_SEQ_CST) == 0)
    futex_wake(&page().crashes, std::numeric_limits<int>::max());
}

// For a function that needs more time, or waits for this thread, nobody waits longer.
void wait_for_reports() noexcept {
  constexpr std::int64_t patience = 1'000'000'000;
  const std::int64_t deadline = monotonic_now() + patience;
  for (;;) {
    const std::uint32_t reporting = __atomic_load_n(&page().crashes, __ATOMIC_SEQ_CST);
    if (reporting == 0 || !futex_wait_until(&page().crashes, reporting, deadline)) return;
  }
}

void set_default_action(int signal) noexcept {
  struct sigaction standard{};
  standard.sa_handler = SIG_DFL;
  sigaction(signal, &standard, nullptr);
}

}  // namespace

crash_report::crash_report(const signal_info& signal) noexcept : crash_(signal) {
  count_this_thread();
  reported = &crash_;
  mask_ = block({});
  unblock(signal_set::faults());
}

crash_report::~crash_report() {
  block(mask_);
  reported = nullptr;
  discount_this_thread();
}

bool is_reporting_crash() noexcept { return reported != nullptr; }

void report_crash_while_reporting() noexcept {
  if (counted_in != 0) write_crash_line(*reported, STDERR_FILENO, crash_line_kind::crashed_again);
  discount_this_thread();
}

// The signal is blocked until the handler returns. It is not when other code has called sigsafe's
// handler with an open mask: then the process ends here.
void end_process(const siginfo_t& info, bool in_kernels_frame, bool fails_again) noexcept {
  wait_for_reports();
  const int signal = info.si_signo;
  const bool is_first_process = getpid() == 1;  // signals from inside its namespace do not kill it
  if (is_first_process && !fails_again) _exit(128 + signal);
  if (in_kernels_frame) block({signal});
  set_default_action(signal);
  if (is_first_process) return;
  if (system::queue_to_this_thread(info) != 0 && raise(signal) != 0) _exit(128 + signal);
}

}  // namespace sigsafe::detail
