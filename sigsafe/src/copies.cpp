// More than one copy: each object that links the static library has one, and all must use one
// state. The dynamic linker sees to that, see src/abi.S, unless an object was linked so that it
// cannot. That is found here, when the object is loaded: each copy compares the addresses that its
// code uses for the unique symbols with those that the code of the other copies uses.
#include <stdio.h>

#include <cstdint>
#include <iterator>

#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/panic.hpp>
#include <sigsafe/src/disposition.hpp>
#include <sigsafe/src/panic_function.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/system/objects.hpp>
#include <sigsafe/src/table.hpp>

namespace sigsafe::detail {

/// What a copy tells the others. They are parts of other objects, so its layout is fixed too.
struct copy {
  /// The address that the copy's code uses for a unique symbol, on the calling thread; null for a
  /// symbol that it does not know.
  const void* (*address_of)(std::uint32_t symbol) noexcept;
};
static_assert(sizeof(copy) == sizeof(void*));

extern "C" {
// Only assembly refers to it: src/abi.S.
[[gnu::visibility("hidden")]] extern const copy sigsafe_copy;
[[gnu::visibility("hidden")]] extern const unsigned char sigsafe_note;
}

namespace {

constexpr std::uint32_t abi = 1;

constexpr const char* unique_symbols[] = {
    "sigsafe_abi1_process",        "sigsafe_abi1_table",       "sigsafe_abi1_trampoline_address",
    "sigsafe_abi1_panic_function", "sigsafe_abi1_this_thread",
};

const void* address_of(std::uint32_t symbol) noexcept {
  switch (symbol) {
    case 0: return &this_process;
    case 1: return &table;
    case 2: return static_cast<const void*>(&trampoline);
    case 3: return &current_panic_function;
    case 4: return &current_thread();
    default: return nullptr;
  }
}

}  // namespace

[[gnu::used]] const copy sigsafe_copy{address_of};

namespace {

struct findings {
  const char* here = "";                // the object that contains this copy
  const char* other_edition = nullptr;  // an object that no longer understands this one
  const char* stranger = nullptr;       // an object whose state is another one
  const copy* of_stranger = nullptr;
};

bool shares_state(const copy& other) noexcept {
  for (std::uint32_t symbol = 0; symbol < std::size(unique_symbols); ++symbol) {
    const void* const address = other.address_of(symbol);
    if (address != nullptr && address != address_of(symbol)) return false;
  }
  return true;
}

void look_at(const system::note& note, void* argument) noexcept {
  auto& found = *static_cast<findings*>(argument);
  if (note.described == &sigsafe_copy)
    found.here = note.object;
  else if (note.type != abi)
    found.other_edition = note.object;
  else if (const auto& other = *static_cast<const copy*>(note.described); !shares_state(other)) {
    found.stranger = note.object;
    found.of_stranger = &other;
  }
}

bool exports_its_symbols(const copy& which) noexcept {
  return system::is_exported(which.address_of(0), unique_symbols[0]);
}

const char* name_of(const char* object) noexcept {
  return *object != '\0' ? object : "the program";
}

template <class... Names>
[[noreturn]] void panic_about(const char* format, Names... objects) noexcept {
  static char text[960];
  snprintf(text, sizeof(text), format, name_of(objects)...);
  panic(text, {nullptr, 0});
}

[[noreturn]] void explain(const findings& found) noexcept {
  const char* hiding = nullptr;
  const char* other = found.here;
  if (!exports_its_symbols(*found.of_stranger)) {
    hiding = found.stranger;
  } else if (!exports_its_symbols(sigsafe_copy)) {
    hiding = found.here;
    other = found.stranger;
  }
  if (hiding == nullptr)
    panic_about(
        "%s and %s each have a state of their own, so neither holds off the other's handlers: one "
        "of them binds sigsafe's symbols to itself; link both without -Bsymbolic, or with GNU ld, "
        "which makes an exception of unique symbols, or both with libsigsafe.so",
        found.here, found.stranger);
  if (*hiding == '\0')
    panic_about(
        "%s and %s each have a state of their own, so neither holds off the other's handlers: the "
        "program does not export sigsafe's symbols; link it with "
        "-Wl,--export-dynamic-symbol='sigsafe_abi1_*'",
        hiding, other);
  panic_about(
      "%s and %s each have a state of their own, so neither holds off the other's handlers: the "
      "first one hides sigsafe's symbols; link it without --exclude-libs for libsigsafe.a, and if "
      "it "
      "has a version script, name sigsafe_abi1_* below 'global:' there",
      hiding, other);
}

// Before the constructors of the object that might use the library, or load other objects.
[[gnu::constructor(101)]] void require_one_state() noexcept {
  // Linkers that remove unused sections leave the note, because it is used here.
  asm volatile("" : : "r"(&sigsafe_note));
  if (!system::has_dynamic_linker()) {
    if (system::is_in_the_program()) return;
    panic(
        "a static program has loaded an object that contains sigsafe, which cannot share the state "
        "of the program; link the program dynamically, or load nothing that contains sigsafe",
        {nullptr, 0});
  }

  // The code of a program uses the program's own symbols and never asks for them. An object that
  // asks for its own first, because it is loaded with RTLD_DEEPBIND, would get those; unless
  // somebody has asked before.
  for (const char* symbol : unique_symbols) system::find(symbol);

  findings found;
  if (!system::for_each_note("sigsafe", look_at, &found))
    panic_about(
        "%s is loaded into a namespace of its own by dlmopen, where it cannot share the state of "
        "the process; load it with dlopen",
        found.here);
  if (found.other_edition != nullptr)
    panic_about(
        "%s and %s contain editions of sigsafe that cannot share one state; build both with the "
        "same edition",
        found.here, found.other_edition);
  if (found.stranger != nullptr) explain(found);
}

}  // namespace
}  // namespace sigsafe::detail
