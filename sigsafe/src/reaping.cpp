// Taking the statuses of children that have ended.
#include <sigsafe/process.hpp>

#include <sys/types.h>

#include <atomic>
#include <cstddef>

#include <sigsafe/exit_status.hpp>
#include <sigsafe/src/children.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/system/programs.hpp>

namespace sigsafe::detail {
namespace {

/// A walk over the children, which comes to each of them once. While it calls functions, without
/// the lock, an entry of its own keeps the place: to others it is a child that is being started.
class children_walk {
 public:
  children_walk() noexcept { enter_child(place_); }
  children_walk(const children_walk&) = delete;
  children_walk& operator=(const children_walk&) = delete;
  // In a process that a function has forked the list is empty.
  ~children_walk() {
    if (!is_ours(place_)) return;
    const children_lock locked;
    unlink(place_);
  }

  /// The next one that has ended.
  news next(bool only_detached) noexcept {
    if (!is_ours(place_)) return {};
    const children_lock locked;
    child_state* each = &place_;
    news found;
    while (found.of == nullptr && each->next != nullptr) {
      each = each->next;
      if (each->pid.load(std::memory_order_relaxed) != 0 && (each->detached || !only_detached))
        found = look_at(*each);
    }
    if (each != &place_) {
      unlink(place_);
      link(place_, each);
    }
    return found;
  }

 private:
  child_state place_;
};

std::size_t reap(bool only_detached) noexcept {
  children_walk children;
  std::size_t reaped = 0;
  for (news known; (known = children.next(only_detached)).of != nullptr; ++reaped) tell(known);
  return reaped;
}

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

void reap_detached() noexcept { reap(true); }

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
