#include <sigsafe/src/children.hpp>

#include <utility>

#include <sigsafe/child.hpp>
#include <sigsafe/detail/futex.hpp>
#include <sigsafe/exit_status.hpp>
#include <sigsafe/src/errno_saver.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/system/programs.hpp>
#include <sigsafe/src/system/system.hpp>

namespace sigsafe::detail {

// ---- under the lock

void link(child_state& child, child_state* behind) noexcept {
  child_state*& place = behind != nullptr ? behind->next : page().children;
  child.previous = behind;
  child.next = place;
  if (child.next != nullptr) child.next->previous = &child;
  place = &child;
}

void unlink(child_state& child) noexcept {
  (child.previous != nullptr ? child.previous->next : page().children) = child.next;
  if (child.next != nullptr) child.next->previous = child.previous;
}

// One that is being started belongs to the thread that starts it.
news look_at(child_state& child) noexcept {
  if (child.end || child.descriptor < 0) return {};
  const exit_status end = system::end_of(child.descriptor, true).status;
  if (!end) return {};
  child.end = end;
  child.busy = 1;
  child.runner = system::own_thread();
  return {&child, std::exchange(child.functions, nullptr)};
}

// ---- without it

bool is_ours(const child_state& child) noexcept { return child.generation == process_generation(); }

void destroy(end_function_base* functions) noexcept {
  while (functions != nullptr) {
    end_function_base* const next = functions->next;
    functions->destroy(*functions);
    functions = next;
  }
}

void delete_state(child_state& child) noexcept {
  const errno_saver saver;
  if (child.descriptor >= 0) system::close_descriptor(child.descriptor);
  destroy(child.functions);
  delete &child;
}

void enter_child(child_state& child) noexcept {
  child.generation = process_generation();
  const children_lock locked;
  link(child, nullptr);
}

void discard_child(child_state& child) noexcept {
  {
    const children_lock locked;
    unlink(child);
  }
  await_runner(child);
  delete_state(child);
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

}  // namespace sigsafe::detail
