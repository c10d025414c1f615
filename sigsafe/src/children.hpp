// The children of spawn that live in this process. Their list lies in memory that a fork wipes: a
// forked process, which is not their parent, finds none.
//
// A child enters the list before it is started, so that its end, which other threads may find at
// any time after that, is known to be its own. Until spawn has returned from starting it, only its
// descriptor tells which one it is: the kernel writes that before the child begins.
#pragma once

#include <sigsafe/config.hpp>

#include <sys/types.h>

#include <atomic>
#include <cstdint>

#include <sigsafe/child.hpp>
#include <sigsafe/exit_status.hpp>
#include <sigsafe/src/masked_lock.hpp>
#include <sigsafe/src/process.hpp>

namespace sigsafe::detail {

/// All but pid and descriptor, which do not change once they are known, belong to the lock.
struct child_state {
  child_state* next = nullptr;
  child_state* previous = nullptr;
  end_function_base* functions = nullptr;
  exit_status end;
  std::uint32_t generation = 0;  // of the process that is its parent
  std::atomic<pid_t> pid{0};     // 0: not known yet
  int descriptor = -1;
  std::uint32_t busy = 0;  // a futex: functions are called, by this thread
  int runner = 0;
  bool detached = false;   // nobody has the object; deleted at its end
  bool abandoned = false;  // deleted by the runner, inside of whom it was destroyed
};

/// Pre:      ensure_page
struct children_lock : masked_lock {
  children_lock() noexcept : masked_lock(page().children_lock) {}
};

/// The end of a child has become known to this thread, which calls its functions.
struct news {
  child_state* of = nullptr;
  end_function_base* functions = nullptr;
};

// ---- under the lock

/// Behind one that is in the list, or at its head.
void link(child_state& child, child_state* behind) noexcept;
void unlink(child_state& child) noexcept;

/// Asks the kernel whether it has ended, unless that is known.
news look_at(child_state& child) noexcept;

// ---- without it

/// Whether this process is its parent.
bool is_ours(const child_state& child) noexcept;

/// Pre:      the child is not started yet
void enter_child(child_state& child) noexcept;

/// Takes it out again and deletes it.
void discard_child(child_state& child) noexcept;

/// Calls the functions, and deletes the child if nobody has it any more.
void tell(const news& known) noexcept;

/// Until nobody else calls its functions.
void await_runner(const child_state& child) noexcept;

void destroy(end_function_base* functions) noexcept;
void delete_state(child_state& child) noexcept;

/// Takes the ends of detached ones.
/// Pre:      ensure_page
void reap_detached() noexcept;

}  // namespace sigsafe::detail
