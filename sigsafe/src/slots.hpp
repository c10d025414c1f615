// The states of a slot of the table, and what registering and unregistering do to the disposition
// of its signal. Everything here is guarded by `registration`.
//
// "Ours" means that the kernel's disposition is the trampoline:
//
//   newest  replaced  kernel's    meaning
//   null    false     not ours    unused
//   set     false     ours        active
//   set     false     not ours    shadowed: other code replaced us and may chain to us
//   null    true      not ours    shadowed, and our handlers have gone since
//   null    any       ours        other code has put back what it found: left at the next signal
//   null    false     SIG_IGN     ignored: ends_ignored is set. For SIGCHLD it is ours
//
//                     ours                      not ours
//   register          -> active                 adopts what stands there as `previous` -> active;
//                                               but from ignored just -> active
//   unregister last   puts `previous` back      leaves it alone, sets replaced
//                     -> unused; or -> ignored; -> shadowed without handlers
//                     or -> shadowed without handlers, if `previous` may chain to us
//   unregister other  -> active                 -> shadowed
//
// When a slot that was shadowed adopts the code that had replaced us, that code may chain to us:
// previous_chains_to_us is set, and beneath_previous is what it finds beneath, once we have gone.
#pragma once

#include <sigsafe/config.hpp>

#include <sigsafe/detail/handler_node.hpp>

namespace sigsafe::detail {

/// Why something failed; the number is 0 when it has not.
struct slot_error {
  int number = 0;
  const char* why = nullptr;
};

/// Puts a node into the list of its signal and installs the trampoline, unless the signal is
/// ignored and the handler respects that. After an error the node is in no list, unless somebody is
/// inside.
slot_error add_to_slot(handler_node& node) noexcept;

/// Takes the signal of an active node back from what has replaced the trampoline.
slot_error reinstall(const handler_node& node) noexcept;

/// No more signals for this handler; who is inside stays inside. May be called in that handler.
void retire(handler_base& handler) noexcept;

/// Has other code replaced the trampoline, of which the last handler has gone since? What comes to
/// the trampoline then, that code has called.
bool is_replaced(int signal) noexcept;

/// The kernel has called the trampoline of a slot without handlers: other code has put it back
/// after the last of them. What stood there before is put back now. Returns false when the
/// trampoline stays, to drop the signal; else the kernel's disposition is the one to get it.
bool leave_empty_slot(int signal) noexcept;

/// Takes the handler out of its lists.
/// Pre:      retired, and nobody is inside
void remove_from_slots(handler_base& handler) noexcept;

}  // namespace sigsafe::detail
