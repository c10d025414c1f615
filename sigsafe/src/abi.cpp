// Every symbol that is unique in a process. Shared objects that each link the static library have a
// copy of all these; gnu_unique_object makes the dynamic linker choose one for all of them, with
// RTLD_LOCAL and hidden visibility too. They are written in assembly because clang cannot give a
// variable that binding. What they contain starts as zeros.
//
// The layouts are fixed as long as the names say abi1: objects that were built at different times
// share them.

#include <cstddef>

#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/table.hpp>

// The section is given as the assembler has it: name, flags and type.
#define SIGSAFE_UNIQUE(name, section, flags, type, content)      \
  asm(".pushsection " section "." name ", \"" flags "\", @" type \
      "\n"                                                       \
      ".globl " name                                             \
      "\n"                                                       \
      ".type " name                                              \
      ", @gnu_unique_object\n"                                   \
      ".balign 64\n" name ":\n" content                          \
      "\n"                                                       \
      ".size " name ", . - " name                                \
      "\n"                                                       \
      ".popsection")

SIGSAFE_UNIQUE("sigsafe_abi1_this_thread", ".tbss", "awT", "nobits", ".zero 192");
SIGSAFE_UNIQUE("sigsafe_abi1_process", ".bss", "aw", "nobits", ".zero 64");
SIGSAFE_UNIQUE("sigsafe_abi1_table", ".bss", "aw", "nobits", ".zero 16384");
SIGSAFE_UNIQUE("sigsafe_abi1_trampoline_address", ".data.rel.ro", "aw", "progbits",
               ".dc.a sigsafe_abi1_trampoline");

namespace sigsafe::detail {
namespace {

template <class T>
constexpr bool fits(std::size_t size) {
  return sizeof(T) <= size && alignof(T) <= 64;
}
static_assert(fits<thread_state>(192));
static_assert(fits<process_identity>(64));
static_assert(fits<handler_table>(16384));

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
static_assert(offsetof(process_page, registration) >= 20);

static_assert(offsetof(handler_table, slots) == 0);
static_assert(offsetof(slot, newest) == 0);
static_assert(offsetof(slot, previous) == 8);
static_assert(offsetof(slot, previous_is_one_shot) == 16);
static_assert(offsetof(slot, ends_ignored) == 17);
static_assert(offsetof(slot, replaced) == 18);
static_assert(offsetof(slot, previous_chains_to_us) == 19);
static_assert(offsetof(slot, beneath_previous) == 24 - (word == 4 ? 4 : 0));
static_assert(offsetof(slot, previous_action) == 32 - (word == 4 ? 4 : 0));

}  // namespace
}  // namespace sigsafe::detail
