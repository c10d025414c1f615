#include <sigsafe/src/crash_trace.hpp>

#include <ucontext.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <sigsafe/crash.hpp>
#include <sigsafe/src/system/mappings.hpp>
#include <sigsafe/src/system/system.hpp>

namespace sigsafe::detail {
namespace {

const mcontext_t* registers_of(const crash_info& crash) noexcept {
  const auto* const context = static_cast<const ucontext_t*>(crash.signal().context());
  return context != nullptr ? &context->uc_mcontext : nullptr;
}

std::uintptr_t stack_pointer(const mcontext_t& registers) noexcept {
  return static_cast<std::uintptr_t>(SIGSAFE_STACK_POINTER(registers));
}

bool read(std::uintptr_t address, void* to, std::size_t size) noexcept {
  return system::copy_from(reinterpret_cast<const void*>(address), to, size);
}

// A call through a bad pointer has made no frame yet.
std::uintptr_t caller_without_frame(const mcontext_t& registers) noexcept {
#if defined(SIGSAFE_LINK_REGISTER)
  return static_cast<std::uintptr_t>(SIGSAFE_LINK_REGISTER(registers));
#else
  std::uintptr_t caller = 0;
  read(stack_pointer(registers), &caller, sizeof(caller));
  return caller;
#endif
}

// The frames lie one above the other, from the stack pointer on. What does not is no frame.
std::size_t walk(const mcontext_t& registers, system::place* to, std::size_t size) noexcept {
  struct {
    std::uintptr_t frame, caller;
  } record;
  constexpr auto distance = static_cast<std::uintptr_t>(
      SIGSAFE_FRAME_RECORD * static_cast<std::intptr_t>(sizeof(std::uintptr_t)));
  auto frame = static_cast<std::uintptr_t>(SIGSAFE_FRAME_POINTER(registers));
  std::uintptr_t above = stack_pointer(registers);
  std::size_t found = 0;
  while (found < size && frame >= above && frame % sizeof(frame) == 0) {
    if (!read(frame + distance, &record, sizeof(record))) break;
    to[found++].address = record.caller;
    above = frame + 1;
    frame = record.frame;
  }
  return found;
}

#if defined(SIGSAFE_LINK_REGISTER)

// Processors with a link register have frame pointers as a rule.
std::size_t guess(const mcontext_t&, system::place*, std::size_t) noexcept { return 0; }

#else

// call rel32; or call by a register or by memory, whose length differs.
bool is_behind_a_call(std::uintptr_t address) noexcept {
  constexpr std::size_t longest = 7;
  unsigned char code[longest];
  if (address < longest || !read(address - longest, code, longest)) return false;
  if (code[longest - 5] == 0xe8) return true;
  for (const std::size_t length : {2U, 3U, 4U, 6U, 7U})
    if (code[longest - length] == 0xff && (code[longest - length + 1] >> 3 & 7) == 2) return true;
  return false;
}

std::size_t guess(const mcontext_t& registers, system::place* to, std::size_t size) noexcept {
  constexpr std::size_t most_words = 512;
  const std::uintptr_t stack = stack_pointer(registers);
  std::uintptr_t word = 0;
  std::size_t found = 0;
  for (std::size_t i = 0; i < most_words && found < size; ++i) {
    if (!read(stack + i * sizeof(word), &word, sizeof(word))) break;
    if (is_behind_a_call(word)) to[found++].address = word;
  }
  system::find_objects(to, found);
  const auto* const end =
      std::remove_if(to, to + found, [](const system::place& it) { return !it.is_code; });
  return static_cast<std::size_t>(end - to);
}

#endif

}  // namespace

crash_trace::crash_trace(const crash_info& crash) noexcept {
  const mcontext_t* const registers = registers_of(crash);
  if (registers == nullptr) return;
  pc_.address = detail::program_counter(crash);
  callers_[0].address = caller_without_frame(*registers);
  end_ = 1 + walk(*registers, callers_ + 1, most - 1);
  system::find_objects(&pc_, 1);
  system::find_objects(callers_, end_);
  first_ = pc_.is_code ? 1 : 0;
  const system::place* const no_code =
      std::find_if_not(begin(), end(), [](const system::place& it) { return it.is_code; });
  end_ = static_cast<std::size_t>(no_code - callers_);
  is_guessed_ = begin() == end();
  if (is_guessed_) end_ = first_ + guess(*registers, callers_ + first_, most - first_);
}

std::uintptr_t program_counter(const crash_info& crash) noexcept {
  const mcontext_t* const registers = registers_of(crash);
  if (registers == nullptr) return 0;
  return static_cast<std::uintptr_t>(SIGSAFE_PROGRAM_COUNTER(*registers));
}

}  // namespace sigsafe::detail
