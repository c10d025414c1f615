// Waiting for handlers.
#include <sigsafe/sigsafe.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>

#include <cstdint>
#include <system_error>

#include <sigsafe/detail/wait.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/src/c/failure.hpp>
#include <sigsafe/src/c/times.hpp>
#include <sigsafe/wake.hpp>
#include <sigsafe/wake_signal.hpp>

namespace sigsafe::c {
namespace {

std::int64_t time_of_sleep(std::int64_t deadline) noexcept {
  return deadline == SIGSAFE_FOREVER ? detail::for_ever : nanoseconds_until(deadline);
}

int wait_for(std::int64_t nanoseconds, location where) {
  detail::require_only_hold(where);
  poll_result woken{wake::handler};
  const int failed = error_of([&] {
    int refused = 0;
    woken = detail::sleep_unheld(nullptr, 0, nanoseconds, refused);
  });
  if (failed != 0) return failed;
  return woken == wake::handler ? 0 : fail_by_time();
}

int poll_for(struct pollfd* fds, nfds_t size, std::int64_t nanoseconds, location where) {
  detail::require_only_hold(where);
  poll_result woken{wake::handler};
  int refused = 0;
  int failed = error_of([&] { woken = detail::sleep_unheld(fds, size, nanoseconds, refused); });
  if (refused != 0)
    failed = fail(refused, "sigsafe: ppoll refused the descriptors of sigsafe_poll");
  if (failed == 0 && woken == wake::handler) failed = EINTR;
  if (failed == 0) return woken.ready;
  errno = failed;
  return -1;
}

}  // namespace
}  // namespace sigsafe::c

int sigsafe_wait_at(const char* file, unsigned line) {
  return sigsafe::c::wait_for(sigsafe::detail::for_ever, {file, line});
}

int sigsafe_wait_until_at(int64_t deadline, const char* file, unsigned line) {
  return sigsafe::c::wait_for(sigsafe::c::time_of_sleep(deadline), {file, line});
}

int sigsafe_poll_at(struct pollfd* fds, nfds_t size, int timeout, const char* file, unsigned line) {
  const std::int64_t nanoseconds =
      timeout < 0 ? sigsafe::detail::for_ever : SIGSAFE_MILLISECONDS(timeout);
  return sigsafe::c::poll_for(fds, size, nanoseconds, {file, line});
}

int sigsafe_poll_until_at(struct pollfd* fds, nfds_t size, int64_t deadline, const char* file,
                          unsigned line) {
  return sigsafe::c::poll_for(fds, size, sigsafe::c::time_of_sleep(deadline), {file, line});
}

int sigsafe_open_at(sigsafe_blocking_function* function, void* data, const char* file,
                    unsigned line) {
  struct blocking_call {
    sigsafe_blocking_function* function;
    void* data;
  } call{function, data};
  sigsafe::detail::require_only_hold({file, line});
  // errno is the function's, so this does not keep it.
  try {
    const bool called = sigsafe::detail::call_unheld(
        [](void* of, const sigset_t* mask) {
          const auto& wanted = *static_cast<blocking_call*>(of);
          wanted.function(wanted.data, mask);
        },
        &call, false);
    if (called) return 0;
  } catch (const std::system_error& error) {
    return sigsafe::c::fail(error.code().value(), error.what());
  }
  return sigsafe::c::fail(EINTR,
                          "sigsafe: a handler has run since the last wait; look at what it has "
                          "left, and call sigsafe_open again");
}

int sigsafe_wake_signal() noexcept { return sigsafe::wake_signal(); }

int sigsafe_set_wake_signal(int signal) noexcept {
  return sigsafe::c::error_of([&] { sigsafe::set_wake_signal(signal); });
}
