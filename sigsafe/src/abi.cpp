// What objects that were built at different times share: the contents of the unique symbols, see
// src/abi.S, and what these lead to. The layouts are fixed as long as the names say abi1. They are
// plain words, whatever macros an object was compiled with.

#include <cstddef>

#include <sigsafe/detail/handler_node.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/handler_options.hpp>
#include <sigsafe/raw_lock.hpp>
#include <sigsafe/src/disposition.hpp>
#include <sigsafe/src/panic_function.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/running.hpp>
#include <sigsafe/src/table.hpp>

namespace sigsafe::detail {
namespace {

template <class T>
constexpr bool fits(std::size_t size) {
  return sizeof(T) <= size && alignof(T) <= 64;
}
// The sizes in src/abi.S.
static_assert(fits<thread_state>(512));
static_assert(fits<process_identity>(64));
static_assert(fits<handler_table>(16384));
static_assert(fits<decltype(current_panic_function)>(8));
static_assert(sizeof(trampoline) == sizeof(void*));

constexpr std::size_t word = sizeof(void*);

static_assert(offsetof(thread_state, depth) == 0);
static_assert(offsetof(thread_state, count) == 4);
static_assert(offsetof(thread_state, eager) == 8);
static_assert(offsetof(thread_state, deferred) == 12);
static_assert(offsetof(thread_state, added) == 16);
static_assert(offsetof(thread_state, running) == 24);
static_assert(offsetof(thread_state, info) == 24 + word);

static_assert(offsetof(process_identity, page) == 0);
static_assert(offsetof(process_identity, generations) == word);

static_assert(offsetof(process_page, generation) == 0);
static_assert(offsetof(process_page, phase) == 4);
static_assert(offsetof(process_page, readers) == 8);
static_assert(offsetof(process_page, departures) == 16);
static_assert(offsetof(process_page, registration) == 20);
static_assert(sizeof(futex_lock) == 4);
static_assert(sizeof(process_page) == 24);

static_assert(offsetof(handler_table, registrations) == 0);
static_assert(offsetof(handler_table, slots) == 8);
static_assert(offsetof(slot, newest) == 0);
static_assert(offsetof(slot, previous) == 8);
static_assert(offsetof(slot, previous_is_one_shot) == 16);
static_assert(offsetof(slot, replaced) == 17);
static_assert(offsetof(slot, previous_chains_to_us) == 18);
static_assert(offsetof(slot, beneath_previous) == 24 - (word == 4 ? 4 : 0));
static_assert(offsetof(slot, previous_action) == 32 - (word == 4 ? 4 : 0));

static_assert(offsetof(handler_node, older) == 0);
static_assert(offsetof(handler_node, invoke) == word);
static_assert(offsetof(handler_node, signal_number) == 2 * word);
static_assert(offsetof(handler_node, wanted) == 2 * word + 4);
static_assert(offsetof(handler_node, registered_at) == 2 * word + 8);
static_assert(offsetof(handler_node, registered_in) == 4 * word + 8);
static_assert(offsetof(handler_node, sequence) == (word == 4 ? 28 : 48));
static_assert(offsetof(handler_node, pins) == (word == 4 ? 40 : 56));
static_assert(offsetof(handler_options, alternate_stack) == 0);
static_assert(offsetof(handler_options, chain) == 1);
static_assert(offsetof(handler_options, in_child) == 2);
static_assert(offsetof(handler_options, restart) == 3);

static_assert(offsetof(running_handler, outer) == 0);
static_assert(offsetof(running_handler, node) == word);
static_assert(offsetof(running_handler, signal) == 2 * word);

}  // namespace
}  // namespace sigsafe::detail
