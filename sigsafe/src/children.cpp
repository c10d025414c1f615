#include <sigsafe/src/children.hpp>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <system_error>
#include <utility>

#include <sigsafe/child.hpp>
#include <sigsafe/detail/deadline.hpp>
#include <sigsafe/detail/futex.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/exit_status.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/panic.hpp>
#include <sigsafe/process.hpp>
#include <sigsafe/src/errno_saver.hpp>
#include <sigsafe/src/masked_lock.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/system/programs.hpp>
#include <sigsafe/src/system/system.hpp>

namespace sigsafe::detail {
namespace {

struct children_lock : masked_lock {
  children_lock() noexcept : masked_lock(page().children_lock) {}
};

bool is_ours(const child_state& child) noexcept { return child.generation == process_generation(); }

// ---- under the lock

void unlink(child_state& child) noexcept {
  (child.previous != nullptr ? child.previous->next : page().children) = child.next;
  if (child.next != nullptr) child.next->previous = child.previous;
}

/// The end of a child has become known to this thread, which calls its functions.
struct news {
  child_state* of = nullptr;
  end_function_base* functions = nullptr;
};

news note_end(child_state& child, exit_status end) noexcept {
  child.end = end;
  child.busy = 1;
  child.runner = system::own_thread();
  return {&child, std::exchange(child.functions, nullptr)};
}

// One that is being started belongs to the thread that starts it.
news look_at(child_state& child) noexcept {
  if (child.end || child.descriptor < 0) return {};
  const exit_status end = system::end_of(child.descriptor, true).status;
  return end ? note_end(child, end) : news{};
}

// ---- without it

void destroy(end_function_base* function) noexcept {
  while (function != nullptr) {
    end_function_base* const next = function->next;
    function->destroy(*function);
    function = next;
  }
}

void delete_state(child_state& child) noexcept {
  const errno_saver saver;
  if (child.descriptor >= 0) system::close_descriptor(child.descriptor);
  destroy(child.functions);
  delete &child;
}

void tell(const news& known) noexcept {
  // One of them may destroy the child, which ends them all.
  for (end_function_base* each = known.functions; each != nullptr && !known.of->abandoned;
       each = each->next)
    each->run(*each, known.of->end);
  destroy(known.functions);
  bool unused = false;
  {
    const children_lock locked;
    known.of->busy = 0;
    unused = known.of->detached || known.of->abandoned;
    if (known.of->detached) unlink(*known.of);
    if (!unused) futex_wake(&known.of->busy);
  }
  if (unused) delete_state(*known.of);
}

// What runs on this very thread is the caller.
void await_runner(const child_state& child) noexcept {
  for (;;) {
    {
      const children_lock locked;
      if (child.busy == 0 || child.runner == system::own_thread()) return;
    }
    futex_wait(&child.busy, 1);
  }
}

news next_end(bool only_detached) noexcept {
  const children_lock locked;
  for (child_state* each = page().children; each != nullptr; each = each->next)
    if (each->pid.load(std::memory_order_relaxed) != 0 && (each->detached || !only_detached))
      if (const news known = look_at(*each); known.of != nullptr) return known;
  return {};
}

std::size_t reap(bool only_detached) noexcept {
  std::size_t reaped = 0;
  for (news known; (known = next_end(only_detached)).of != nullptr; ++reaped) tell(known);
  return reaped;
}

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

void reap_detached() noexcept { reap(true); }

void enter_child(child_state& child) noexcept {
  child.generation = process_generation();
  const children_lock locked;
  child.next = page().children;
  if (child.next != nullptr) child.next->previous = &child;
  page().children = &child;
}

void discard_child(child_state& child) noexcept {
  {
    const children_lock locked;
    unlink(child);
  }
  await_runner(child);
  delete_state(child);
}

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

namespace {

/// One process that has ended: a child of spawn, or another one, or none.
struct reaped {
  bool any = false;
  news own;
  system::ended_process other;
};

bool is_it(const child_state& child, pid_t pid) noexcept {
  if (child.end || child.descriptor < 0) return false;
  const pid_t known = child.pid.load(std::memory_order_relaxed);
  return known != 0 ? known == pid : system::end_of(child.descriptor, false).pid == pid;
}

reaped reap_one() noexcept {
  const children_lock locked;
  const system::ended_process next = system::any_end(false);
  if (next.pid == 0) return {};
  for (child_state* each = page().children; each != nullptr; each = each->next)
    if (is_it(*each, next.pid)) return {true, look_at(*each), {}};
  return {true, {}, system::end_of_pid(next.pid)};
}

}  // namespace

std::size_t reap_all(reap_function function, void* context) {
  ensure_page();
  std::size_t count = reap_children();
  for (;;) {
    const reaped ended = reap_one();
    if (!ended.any) return count;
    if (ended.own.of != nullptr) tell(ended.own);
    if (ended.other.pid != 0) function(context, ended.other.pid, ended.other.status);
    count += ended.own.of != nullptr || ended.other.pid != 0 ? 1 : 0;
  }
}

}  // namespace sigsafe::detail

namespace sigsafe {

std::size_t reap_children() noexcept {
  if (detail::this_process.page.load(std::memory_order_acquire) == nullptr) return 0;
  return detail::reap(false);
}

}  // namespace sigsafe
