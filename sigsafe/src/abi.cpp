// What objects that were built at different times share: the contents of the unique symbols, see
// src/abi.S, and what these lead to. The layouts are fixed as long as the names say abi1. They are
// plain words, whatever macros an object was compiled with.

#include <cstddef>

#include <sigsafe/detail/handler_node.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/detail/watched.hpp>
#include <sigsafe/exit_status.hpp>
#include <sigsafe/raw_lock.hpp>
#include <sigsafe/src/children.hpp>
#include <sigsafe/src/disposition.hpp>
#include <sigsafe/src/panic_function.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/running.hpp>
#include <sigsafe/src/table.hpp>
#include <sigsafe/src/watched.hpp>

namespace sigsafe::detail {
namespace {

template <class T>
constexpr bool fits(std::size_t size) {
  return sizeof(T) <= size && alignof(T) <= 64;
}
// The sizes in src/abi.S.
static_assert(fits<thread_state>(512));
static_assert(fits<process_identity>(512));
static_assert(fits<handler_table>(16384));
static_assert(fits<decltype(current_panic_function)>(8));
static_assert(sizeof(trampoline) == sizeof(void*));

constexpr std::size_t word = sizeof(void*);

static_assert(offsetof(thread_state, held) == 0);
static_assert(offsetof(thread_state, eager) == 4);
static_assert(offsetof(thread_state, deferred) == 8);
static_assert(offsetof(thread_state, resumed) == 12);
static_assert(offsetof(thread_state, added) == 16);
static_assert(offsetof(thread_state, called) == 24);
static_assert(offsetof(thread_state, named) == 32);
static_assert(offsetof(thread_state, seen) == 40);
static_assert(offsetof(thread_state, id) == 44);
static_assert(offsetof(thread_state, id_of) == 48);
static_assert(offsetof(thread_state, continued) == 52);
static_assert(offsetof(thread_state, running) == 56);
static_assert(offsetof(thread_state, place) == 56 + word);
static_assert(offsetof(thread_state, namers) == 56 + 2 * word);
static_assert(offsetof(thread_state, info) == 312 + 2 * word);
static_assert(offsetof(thread_state, sleep_goes_on) == 440 + 2 * word);
static_assert(offsetof(thread_state, watched) == 444 + 2 * word);
static_assert(offsetof(thread_state, discarders) == 448 + 2 * word);
static_assert(offsetof(thread_state, found) == 456 + 2 * word);
static_assert(offsetof(thread_state, maker) == 464 + 2 * word);
static_assert(offsetof(thread_state, aside) == 472 + 2 * word);

static_assert(offsetof(process_identity, page) == 0);
static_assert(offsetof(process_identity, generations) == word);
static_assert(offsetof(process_identity, arrivals) == word + 4);
static_assert(offsetof(process_identity, sleepers) == word + 8);
static_assert(offsetof(process_identity, wake_signal) == 2 * word + 8);
static_assert(offsetof(process_identity, wake_signal_is_installed) == 2 * word + 12);
static_assert(offsetof(process_identity, continues) == 2 * word + 16);
static_assert(offsetof(process_identity, end_of_threads) == 2 * word + 20);
static_assert(offsetof(process_identity, undeferrable) == 2 * word + 24);
static_assert(offsetof(process_identity, makers) == 2 * word + 32);
static_assert(offsetof(process_identity, signal_fds) == 2 * word + 36);
static_assert(offsetof(process_identity, reading) == 2 * word + 292);

static_assert(offsetof(process_page, generation) == 0);
static_assert(offsetof(process_page, phase) == 4);
static_assert(offsetof(process_page, readers) == 8);
static_assert(offsetof(process_page, departures) == 16);
static_assert(offsetof(process_page, registration) == 20);
static_assert(sizeof(futex_lock) == 4);
static_assert(offsetof(process_page, crashes) == 24);
static_assert(offsetof(process_page, children_lock) == 28);
static_assert(offsetof(process_page, children) == 32);
static_assert(offsetof(process_page, passing) == 32 + word);
static_assert(offsetof(process_page, claimants) == 36 + word);
static_assert(offsetof(process_page, watched) == 296 + word);
static_assert(sizeof(process_page) <= 4096);

static_assert(offsetof(watch_tables, owner) == 0);
static_assert(offsetof(watch_tables, full) == word);
static_assert(offsetof(watch_tables, holds) == 2 * word);
static_assert(sizeof(watched_hold) == 4 * word + 8);
static_assert(offsetof(watch_tables, orders) == 2 * word + 24 * (4 * word + 8));
static_assert(sizeof(watched_order) == 3 * word + 8);
static_assert(sizeof(lock_use) == 8 + 4 * word);
static_assert(offsetof(lock_watch, handlers) == 0);
static_assert(offsetof(lock_watch, holders) == 6 * (8 + 4 * word));

static_assert(offsetof(child_state, next) == 0);
static_assert(offsetof(child_state, previous) == word);
static_assert(offsetof(child_state, functions) == 2 * word);
static_assert(offsetof(child_state, end) == 3 * word);
static_assert(offsetof(child_state, generation) == 3 * word + 8);
static_assert(offsetof(child_state, pid) == 3 * word + 12);
static_assert(offsetof(child_state, descriptor) == 3 * word + 16);
static_assert(offsetof(child_state, busy) == 3 * word + 20);
static_assert(offsetof(child_state, runner) == 3 * word + 24);
static_assert(offsetof(child_state, detached) == 3 * word + 28);
static_assert(offsetof(child_state, abandoned) == 3 * word + 29);
static_assert(sizeof(exit_status) == 8);

static_assert(offsetof(handler_table, slots) == 0);
static_assert(offsetof(slot, newest) == 0);
static_assert(offsetof(slot, previous) == 8);
static_assert(offsetof(slot, previous_is_one_shot) == 16);
static_assert(offsetof(slot, ends_ignored) == 17);
static_assert(offsetof(slot, needs_frame) == 18);
static_assert(offsetof(slot, previous_mask) == 24);
static_assert(offsetof(slot, replaced) == 32);
static_assert(offsetof(slot, flags) == 36);
static_assert(offsetof(slot, previous_chains_to_us) == 40);
static_assert(offsetof(slot, beneath_previous) == 48);
static_assert(offsetof(slot, previous_action) == 56);
static_assert(offsetof(slot, beneath_mask) == 56 + sizeof(struct sigaction));
static_assert(offsetof(slot, beneath_flags) == 64 + sizeof(struct sigaction));

static_assert(offsetof(handler_node, older) == 0);
static_assert(offsetof(handler_node, owner) == word);
static_assert(offsetof(handler_node, signal_number) == 2 * word);
static_assert(offsetof(handler_node, registered_in) == 2 * word + 4);
static_assert(offsetof(handler_node, active) == 2 * word + 8);
static_assert(offsetof(handler_node, pins) == 2 * word + 16);

static_assert(offsetof(handler_base, invoke) == 0);
static_assert(offsetof(handler_base, of_signals) == word);
static_assert(offsetof(handler_base, wanted) == word + 8);

static_assert(offsetof(running_handler, outer) == 0);
static_assert(offsetof(running_handler, node) == word);
static_assert(offsetof(running_handler, signal) == 2 * word);

}  // namespace
}  // namespace sigsafe::detail
