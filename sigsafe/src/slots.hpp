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
//   null    false     SIG_IGN     ignored: ends_ignored is set. For SIGCHLD it is ours
//
//                     ours                      not ours
//   register          -> active                 adopts what stands there as `previous` -> active;
//                                               but from ignored just -> active
//   unregister last   puts `previous` back      leaves it alone, sets replaced
//                     -> unused; or -> ignored  -> shadowed without handlers
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

/// Takes the handler out of its lists.
/// Pre:      retired, and nobody is inside
void remove_from_slots(handler_base& handler) noexcept;

}  // namespace sigsafe::detail
