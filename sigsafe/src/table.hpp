// The process-wide table of handlers: a list for each signal, whose readers take no lock.
//
// A node lies in the user's handler object, so nobody may touch it any more when that object's
// destructor has returned. A reader finds a node and pins it in a read section, which is a few
// instructions long. A removal makes the node inactive and waits for a grace period, until no
// reader can still pin it; then for the pins, which last as long as the user's function. Only then
// it takes the node out, and waits for another grace period, until no reader can still see it.
//
// A list is whole at every step, because it changes by one store at a time: a fork copies it as it
// is.
#pragma once

#include <sigsafe/config.hpp>

#include <signal.h>

#include <atomic>
#include <cstdint>

#include <sigsafe/detail/atomic.hpp>
#include <sigsafe/detail/handler_node.hpp>
#include <sigsafe/src/disposition.hpp>
#include <sigsafe/thread_id.hpp>

namespace sigsafe::detail {

struct slot {
  // For readers too:
  atomic<handler_node*> newest;
  std::atomic<disposition> previous;         // what stood there before sigsafe
  std::atomic<bool> previous_is_one_shot;    // SA_RESETHAND
  std::atomic<bool> ends_ignored;            // a handler has ended with at_end::ignore
  std::atomic<bool> needs_frame;             // what is called wants a frame that the kernel built
  std::atomic<std::uint64_t> previous_mask;  // what `previous` wants blocked while it runs
  std::atomic<bool> replaced;  // other code has replaced sigsafe's disposition and may chain to it
  std::atomic<int> flags;      // those of sigsafe's own disposition
  // Guarded by `registration`; src/slots.hpp has the table of their states:
  bool previous_chains_to_us;                 // `previous` belongs to code that did so,
  std::atomic<disposition> beneath_previous;  // and this is what it finds; for readers too
  struct sigaction previous_action;           // `previous` in full
  std::uint64_t beneath_mask;                 // and the rest of `beneath_previous`
  int beneath_flags;
};

struct handler_table {
  slot slots[65];
};

extern handler_table table asm("sigsafe_abi1_table") SIGSAFE_API;

/// Finds the newest active handler of the slot, and pins it.
handler_node* pin_newest(slot& of, std::uint32_t generation) noexcept;

/// Finds the next active handler that is older than this one, and pins it.
/// Pre:      the calling thread has pinned this one
handler_node* pin_older(const handler_node& than, std::uint32_t generation) noexcept;

/// Do the active handlers that are for this process let what stood there before follow?
enum class passage { nobody_here, all_chain, one_does_not };
passage passage_through(slot& of, std::uint32_t generation) noexcept;

/// The thread on which the handlers of this slot want to run, if any; all agree. None in a forked
/// child, which does not have it.
/// Pre:      signals are off
thread_id target_of(slot& of, std::uint32_t generation) noexcept;

/// Puts a node before all others. Guarded by `registration`.
void link(slot& to, handler_node& node) noexcept;

/// Takes a node out and waits for every reader that may still see it; nobody pins it after that. If
/// somebody is inside it stays linked, and not active. Guarded by `registration`.
void deactivate(slot& from, handler_node& node) noexcept;

/// Takes out a node that is not active, and waits for every reader that may still see it. Guarded
/// by `registration`.
void unlink(slot& from, handler_node& node) noexcept;

}  // namespace sigsafe::detail
