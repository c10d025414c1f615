// What the functions of a child do.
#include <sigsafe/child.hpp>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

#include <atomic>
#include <cstdint>
#include <system_error>
#include <utility>

#include <sigsafe/detail/deadline.hpp>
#include <sigsafe/detail/futex.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/exit_status.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/panic.hpp>
#include <sigsafe/src/children.hpp>
#include <sigsafe/src/errno_saver.hpp>
#include <sigsafe/src/system/programs.hpp>

namespace sigsafe::detail {
namespace {

void require_may_wait(location where) noexcept {
  const thread_state& thread = current_thread();
  if (thread.running.load() != nullptr)
    panic("a wait for a child inside a handler would stop this thread; wait outside", where);
  if (thread.held.load() != 0)
    panic(
        "a wait for a child inside a guard would hold signals off for as long as it runs; release "
        "all guards, locks and borrows of this thread first, or sleep in guard.poll on child.fd()",
        where);
}

// A cancellation point.
void sleep_until_readable(int descriptor, std::int64_t nanoseconds) {
  constexpr std::int64_t second = 1'000'000'000;
  const std::int64_t seconds = nanoseconds / second < second ? nanoseconds / second : second;
  const timespec limit{static_cast<time_t>(seconds), static_cast<long>(nanoseconds % second)};
  pollfd watched{descriptor, POLLIN, 0};
  if (::ppoll(&watched, 1, nanoseconds < 0 ? nullptr : &limit, nullptr) < 0 && errno != EINTR)
    throw std::system_error(errno, std::generic_category(),
                            "sigsafe: cannot sleep until a child ends: ppoll failed");
}

}  // namespace

pid_t pid_of(const child_state& child) noexcept {
  return child.pid.load(std::memory_order_relaxed);
}

int descriptor_of(const child_state& child) noexcept { return child.descriptor; }

bool send_to_child(const child_state& child, int signal) noexcept {
  const int error = system::send_to_process(child.descriptor, signal);
  if (error != 0) errno = error;
  return error == 0;
}

exit_status look_for_end(child_state& child) noexcept {
  if (!is_ours(child)) return exit_status::of_unknown();
  news known;
  {
    const children_lock locked;
    if (child.end) return child.end;
    known = look_at(child);
  }
  if (known.of == nullptr) return {};
  const exit_status end = child.end;
  tell(known);
  return end;
}

exit_status await_end(child_state& child, std::int64_t nanoseconds, location where) {
  require_may_wait(where);
  const errno_saver saver;
  const std::int64_t deadline =
      nanoseconds < 0 ? longest_time : saturating_sum(monotonic_now(), nanoseconds);
  for (;;) {
    if (const exit_status end = look_for_end(child)) return end;
    const std::int64_t left = nanoseconds < 0 ? -1 : deadline - monotonic_now();
    if (nanoseconds >= 0 && left <= 0) return {};
    sleep_until_readable(child.descriptor, left);
  }
}

void call_at_end(child_state& child, end_function_base& function) noexcept {
  exit_status end = exit_status::of_unknown();
  if (is_ours(child)) {
    const children_lock locked;
    end = child.end;
    if (!end) {
      end_function_base** last = &child.functions;
      while (*last != nullptr) last = &(*last)->next;
      *last = &function;
      return;
    }
  }
  function.run(function, end);
  function.destroy(function);
}

void detach_child(child_state& child) noexcept {
  if (!is_ours(child)) return delete_state(child);
  {
    const children_lock locked;
    child.detached = true;
    if (!child.end || child.busy != 0) return;
    unlink(child);
  }
  delete_state(child);
}

void end_child(child_state& child) noexcept {
  if (!is_ours(child)) return delete_state(child);
  bool runs = false;
  {
    const children_lock locked;
    destroy(std::exchange(child.functions, nullptr));
    runs = !child.end;
  }
  if (runs) {
    const int error = system::send_to_process(child.descriptor, SIGKILL);
    if (error != 0 && error != ESRCH) return detach_child(child);  // or this might wait for ever
    system::await_end_of(child.descriptor);
    const children_lock locked;
    if (!child.end) child.end = system::end_of(child.descriptor, true).status;
  }
  await_runner(child);
  {
    const children_lock locked;
    unlink(child);
    child.abandoned = child.busy != 0;
    if (child.abandoned) return;
  }
  delete_state(child);
}

}  // namespace sigsafe::detail
