#include <sigsafe/src/slots.hpp>

#include <errno.h>
#include <signal.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <sigsafe/detail/handler_node.hpp>
#include <sigsafe/handler_options.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/disposition.hpp>
#include <sigsafe/src/passing.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/table.hpp>
#include <sigsafe/src/undeferrable.hpp>
#include <sigsafe/thread_id.hpp>

namespace sigsafe::detail {
namespace {

struct sigaction current_action(int signal) noexcept {
  struct sigaction current;
  sigaction(signal, nullptr, &current);
  return current;
}

// Does what stood there before follow, as a function? It does behind a watcher, too.
bool calls_previous(const slot& here, const handler_node& node) noexcept {
  const disposition previous = here.previous.load(std::memory_order_relaxed);
  return (node.owner->wanted.chain || node.owner->invoke == nullptr) && !previous.is_default() &&
         !previous.is_ignored();
}

bool wants_restart(const slot& here, const handler_node& node) noexcept {
  if (!calls_previous(here, node)) return node.owner->wanted.restart;
  const bool previous = (here.previous_action.sa_flags & SA_RESTART) != 0;
  return previous || (node.owner->wanted.restart && node.owner->invoke != nullptr);
}

bool wants_alternate_stack(const slot& here, const handler_node& node) noexcept {
  return node.owner->wanted.alternate_stack ||
         (calls_previous(here, node) && (here.previous_action.sa_flags & SA_ONSTACK) != 0);
}

// For the handlers that are registered now: SA_RESTART if all want it, SA_ONSTACK if one wants it.
struct sigaction wanted_action(const slot& of) noexcept {
  struct sigaction action{};
  action.sa_sigaction = trampoline;
  action.sa_mask = trampoline_mask();  // rule 1
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  for (const handler_node* node = of.newest.load(std::memory_order_relaxed); node != nullptr;
       node = node->older.load(std::memory_order_relaxed)) {
    if (!node->active.load(std::memory_order_relaxed)) continue;
    if (!wants_restart(of, *node)) action.sa_flags &= ~SA_RESTART;
    if (wants_alternate_stack(of, *node)) action.sa_flags |= SA_ONSTACK;
  }
  return action;
}

// A deferred signal comes back as a whole then, and the kernel builds its frame: on the stack that
// is wanted, and with the context that a foreign function may look at.
void note_who_needs_a_frame(slot& here) noexcept {
  bool needed = false;
  for (const handler_node* node = here.newest.load(std::memory_order_relaxed); node != nullptr;
       node = node->older.load(std::memory_order_relaxed))
    needed |= node->active.load(std::memory_order_relaxed) &&
              (node->owner->wanted.alternate_stack || calls_previous(here, *node));
  here.needs_frame.store(needed, std::memory_order_relaxed);
}

// One that is registered and has a function; they agree.
const handler_node* any_function(const slot& here) noexcept {
  const handler_node* node = here.newest.load(std::memory_order_relaxed);
  while (node != nullptr &&
         (!node->active.load(std::memory_order_relaxed) || node->owner->invoke == nullptr))
    node = node->older.load(std::memory_order_relaxed);
  return node;
}

// Which handlers there are has changed.
void note_handlers(slot& here, int signal) noexcept {
  note_who_needs_a_frame(here);
  const handler_node* const any = any_function(here);
  set_undeferrable(signal, any != nullptr && is_undeferrable(*any));
}

slot_error install(slot& here, int signal, const struct sigaction& action) noexcept {
  if (sigaction(signal, &action, nullptr) != 0) return {errno, "sigaction failed"};
  here.flags.store(action.sa_flags, std::memory_order_relaxed);
  return {};
}

// What was registered before a fork has no thread any more, and what has no function does not care.
bool agrees_on_thread(const slot& here, const handler_node& added) noexcept {
  if (added.owner->invoke == nullptr) return true;
  const thread_id target = added.owner->wanted.thread;
  for (const handler_node* node = here.newest.load(std::memory_order_relaxed); node != nullptr;
       node = node->older.load(std::memory_order_relaxed))
    if (node->active.load(std::memory_order_relaxed) && node->owner->invoke != nullptr &&
        target_of(*node, added.registered_in) != target)
      return false;
  return true;
}

slot_error disagreement(const slot& here, const handler_node& added) noexcept {
  if (!agrees_on_thread(here, added))
    return {EINVAL, "all of its handlers must have the same .thread"};
  const handler_node* const other = any_function(here);
  if (added.owner->invoke == nullptr || other == nullptr ||
      is_undeferrable(*other) == is_undeferrable(added))
    return {};
  if (is_undeferrable(added))
    return {EINVAL,
            "all of its handlers must agree, and others can be deferred: leave .deferrable = false "
            "out, or give it to all"};
  return {
      EINVAL,
      "all of its handlers must agree, and others have .deferrable = false: give it to this one "
      "too, or leave it out everywhere"};
}

struct sigaction ignoring_action() noexcept {
  struct sigaction action{};
  action.sa_handler = SIG_IGN;
  return action;
}

bool is_ignored_by_us(const slot& here, const struct sigaction& current) noexcept {
  return here.ends_ignored.load(std::memory_order_relaxed) &&
         !here.replaced.load(std::memory_order_relaxed) && disposition{current}.is_ignored();
}

bool is_ignored_by_program(const slot& here, const struct sigaction& current, bool by_us) noexcept {
  return disposition{current}.is_ignored() &&
         (!by_us || here.previous.load(std::memory_order_relaxed).is_ignored());
}

bool has_same_flags(const struct sigaction& a, const struct sigaction& b) noexcept {
  constexpr int optional_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  return ((a.sa_flags ^ b.sa_flags) & optional_flags) == 0;
}

bool has_handlers(const slot& here, const handler_node* but = nullptr) noexcept {
  const handler_node* node = here.newest.load(std::memory_order_relaxed);
  while (node != nullptr && (node == but || !node->active.load(std::memory_order_relaxed)))
    node = node->older.load(std::memory_order_relaxed);
  return node != nullptr;
}

// What the kernel blocks, beside the mask of the interrupted context, while it runs.
std::uint64_t mask_of(int signal, const struct sigaction& action) noexcept {
  signal_set mask{action.sa_mask};
  if ((action.sa_flags & SA_NODEFER) == 0) mask.insert(signal);
  return mask.bits();
}

void set_previous(slot& here, int signal, const struct sigaction& action) noexcept {
  here.previous_action = action;
  const bool one_shot = (static_cast<unsigned>(action.sa_flags) & SA_RESETHAND) != 0;
  here.previous_is_one_shot.store(one_shot, std::memory_order_relaxed);
  here.previous_mask.store(mask_of(signal, action), std::memory_order_relaxed);
  here.previous.store(disposition{action}, std::memory_order_release);
}

// What code that is adopted now finds when it chains to us. Of code that has never met us nobody
// knows: then nothing.
void note_beneath(slot& here) noexcept {
  const bool known =
      here.previous_chains_to_us && !here.ends_ignored.load(std::memory_order_relaxed);
  here.beneath_previous.store(
      known ? here.previous.load(std::memory_order_relaxed) : disposition{ignoring_action()},
      std::memory_order_release);
  here.beneath_mask = signal_set{here.previous_action.sa_mask}.bits();
  here.beneath_flags = here.previous_action.sa_flags;
}

// What other code has installed becomes what we put back and chain to.
void adopt_previous(slot& here, int signal, const struct sigaction& current) noexcept {
  const disposition adopted{current};
  const bool is_function = !adopted.is_default() && !adopted.is_ignored();
  here.previous_chains_to_us =
      is_function && (here.replaced.load(std::memory_order_relaxed) || has_handlers(here) ||
                      here.ends_ignored.load(std::memory_order_relaxed));
  // The same code again: what it finds beneath is what it found the first time.
  if (adopted != here.previous.load(std::memory_order_relaxed)) note_beneath(here);
  here.replaced.store(false, std::memory_order_relaxed);
  here.ends_ignored.store(false, std::memory_order_relaxed);
  set_previous(here, signal, current);
}

void put_previous_back(slot& here, int signal) noexcept {
  // A one-shot handler that has been called by chaining has had its shot.
  if (here.previous_is_one_shot.load(std::memory_order_relaxed) &&
      here.previous.load(std::memory_order_relaxed).is_default())
    here.previous_action.sa_handler = SIG_DFL;
  sigaction(signal, &here.previous_action, nullptr);
  here.replaced.store(here.previous_chains_to_us, std::memory_order_relaxed);
  if (!here.previous_chains_to_us) return;
  here.previous_chains_to_us = false;
  const disposition beneath = here.beneath_previous.load(std::memory_order_relaxed);
  set_previous(here, signal, beneath.action(here.beneath_flags, here.beneath_mask));
}

// The trampoline, which drops what has no handlers, stays there for SIGCHLD: with SIG_IGN the
// kernel would reap the children.
void ignore_from_now_on(int signal) noexcept {
  const struct sigaction ignoring = ignoring_action();
  if (signal != SIGCHLD) sigaction(signal, &ignoring, nullptr);
}

void end_disposition(slot& here, int signal) noexcept {
  if (here.ends_ignored.load(std::memory_order_relaxed))
    ignore_from_now_on(signal);
  else
    put_previous_back(here, signal);
}

void retire(handler_node& node) noexcept {
  const int signal = node.signal_number;
  slot& here = table.slots[signal];
  const struct sigaction current = current_action(signal);
  const bool ours = is_trampoline(current);
  const bool last = !has_handlers(here, &node);

  // First, because a thread that is on its way to the trampoline may find no handler there.
  if (node.owner->wanted.at_end == at_end::ignore)
    here.ends_ignored.store(true, std::memory_order_release);
  // Then the disposition: from here on a signal finds it in the kernel. Unless other code has since
  // replaced ours.
  if (last && ours) end_disposition(here, signal);
  if (last && !ours) here.replaced.store(true, std::memory_order_relaxed);
  deactivate(here, node);
  note_handlers(here, signal);
  if (!last && ours) {
    const struct sigaction wanted = wanted_action(here);
    if (!has_same_flags(current, wanted)) install(here, signal, wanted);
  }
}

}  // namespace

slot_error add_to_slot(handler_node& node) noexcept {
  const int signal = node.signal_number;
  slot& here = table.slots[signal];
  const struct sigaction current = current_action(signal);
  const bool by_us = is_ignored_by_us(here, current);
  node.registered_in = process_generation();
  if (const slot_error error = disagreement(here, node); error.number != 0) return error;
  if (node.owner->wanted.respect_ignored && is_ignored_by_program(here, current, by_us)) return {};
  if (!is_trampoline(current) && !by_us) adopt_previous(here, signal, current);
  here.replaced.store(false, std::memory_order_relaxed);
  link(here, node);  // before the disposition: the trampoline never finds an empty list
  note_handlers(here, signal);

  const struct sigaction wanted = wanted_action(here);
  if (is_trampoline(current) && has_same_flags(current, wanted)) return {};
  const slot_error error = install(here, signal, wanted);
  if (error.number == 0) return {};
  deactivate(here, node);
  note_handlers(here, signal);
  return error;
}

slot_error reinstall(const handler_node& node) noexcept {
  slot& here = table.slots[node.signal_number];
  const int signal = node.signal_number;
  const struct sigaction current = current_action(signal);
  if (is_trampoline(current)) return {};
  adopt_previous(here, signal, current);
  note_handlers(here, signal);
  return install(here, signal, wanted_action(here));
}

bool is_replaced(int signal) noexcept {
  return table.slots[signal].replaced.load(std::memory_order_relaxed) &&
         !is_trampoline(current_action(signal));
}

bool leave_empty_slot(int signal) noexcept {
  slot& here = table.slots[signal];
  if (!is_trampoline(current_action(signal)) || has_handlers(here)) return true;
  end_disposition(here, signal);
  return !is_trampoline(current_action(signal));
}

bool is_in_force(const handler_base& handler) noexcept {
  for (std::size_t i = 0; i < handler.of_signals.size(); ++i)
    if (const handler_node& node = handler.nodes[i];
        node.active.load(std::memory_order_relaxed) &&
        !is_trampoline(current_action(node.signal_number)))
      return false;
  return is_active(handler);
}

// The last first, as if there had been a handler for each signal.
void retire(handler_base& handler) noexcept {
  for (std::size_t i = handler.of_signals.size(); i > 0; --i)
    if (handler_node& node = handler.nodes[i - 1]; node.active.load(std::memory_order_relaxed))
      retire(node);
}

void remove_from_slots(handler_base& handler) noexcept {
  for (std::size_t i = 0; i < handler.of_signals.size(); ++i)
    unlink(table.slots[handler.nodes[i].signal_number], handler.nodes[i]);
}

}  // namespace sigsafe::detail
