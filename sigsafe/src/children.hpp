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

/// Pre:      ensure_page; the child is not started yet
void enter_child(child_state& child) noexcept;

/// Takes it out again and deletes it.
void discard_child(child_state& child) noexcept;

/// Takes the ends of detached ones.
/// Pre:      ensure_page
void reap_detached() noexcept;

}  // namespace sigsafe::detail
