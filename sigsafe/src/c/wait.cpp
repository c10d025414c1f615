// Waiting for handlers.
#include <sigsafe/sigsafe.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>

#include <cstdint>

#include <sigsafe/detail/wait.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/src/c/failure.hpp>
#include <sigsafe/src/c/times.hpp>
#include <sigsafe/wake.hpp>
#include <sigsafe/wake_signal.hpp>

namespace sigsafe::c {
namespace {

int wait_for(std::int64_t nanoseconds, location where) {
  detail::require_only_hold(where);
  poll_result woken{wake::handler};
  const int failed = error_of([&] {
    int refused = 0;
    woken = detail::sleep_unheld(nullptr, 0, nanoseconds, refused);
  });
  if (failed != 0) return failed;
  return woken == wake::handler ? 0 : ETIMEDOUT;
}

}  // namespace
}  // namespace sigsafe::c

int sigsafe_wait_at(const char* file, unsigned line) {
  return sigsafe::c::wait_for(sigsafe::detail::for_ever, {file, line});
}

int sigsafe_wait_until_at(int64_t deadline, const char* file, unsigned line) {
  const bool ends = deadline != SIGSAFE_FOREVER;
  return sigsafe::c::wait_for(
      ends ? sigsafe::c::nanoseconds_until(deadline) : sigsafe::detail::for_ever, {file, line});
}

int sigsafe_poll_at(struct pollfd* fds, nfds_t size, int timeout, const char* file, unsigned line) {
  using sigsafe::wake;
  sigsafe::detail::require_only_hold({file, line});
  sigsafe::poll_result woken{wake::handler};
  int refused = 0;
  int failed = sigsafe::c::error_of([&] {
    const std::int64_t nanoseconds =
        timeout < 0 ? sigsafe::detail::for_ever : SIGSAFE_MILLISECONDS(timeout);
    woken = sigsafe::detail::sleep_unheld(fds, size, nanoseconds, refused);
  });
  if (refused != 0)
    failed = sigsafe::c::fail(refused, "sigsafe: ppoll refused the descriptors of sigsafe_poll");
  if (failed == 0 && woken == wake::handler) failed = EINTR;
  if (failed == 0) return woken.ready;
  errno = failed;
  return -1;
}

bool sigsafe_open_at(sigsafe_blocking_function* function, void* data, const char* file,
                     unsigned line) {
  struct blocking_call {
    sigsafe_blocking_function* function;
    void* data;
  } call{function, data};
  sigsafe::detail::require_only_hold({file, line});
  return sigsafe::detail::call_unheld(
      [](void* of, const sigset_t* mask) {
        const auto& wanted = *static_cast<blocking_call*>(of);
        wanted.function(wanted.data, mask);
      },
      &call, false);
}

int sigsafe_wake_signal() noexcept { return sigsafe::wake_signal(); }

int sigsafe_set_wake_signal(int signal) noexcept {
  return sigsafe::c::error_of([&] { sigsafe::set_wake_signal(signal); });
}
