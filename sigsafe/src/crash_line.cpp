#include <sigsafe/src/crash_line.hpp>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <sigsafe/crash.hpp>
#include <sigsafe/signal_info.hpp>
#include <sigsafe/src/line.hpp>
#include <sigsafe/src/system/mappings.hpp>
#include <sigsafe/src/system/system.hpp>

namespace sigsafe::detail {
namespace {

using system::place;
using text_line = line<2048>;  // less than PIPE_BUF: one write is one piece, also in a pipe

constexpr std::size_t most_callers = 24;

const mcontext_t* registers_of(const crash_info& crash) noexcept {
  const auto* const context = static_cast<const ucontext_t*>(crash.signal().context());
  return context != nullptr ? &context->uc_mcontext : nullptr;
}

// A call through a bad pointer has made no frame yet.
std::uintptr_t caller_without_frame(const mcontext_t& registers) noexcept {
#if defined(SIGSAFE_LINK_REGISTER)
  return static_cast<std::uintptr_t>(SIGSAFE_LINK_REGISTER(registers));
#else
  const auto top = static_cast<std::uintptr_t>(SIGSAFE_STACK_POINTER(registers));
  std::uintptr_t caller = 0;
  system::copy_from(reinterpret_cast<const void*>(top), &caller, sizeof(caller));
  return caller;
#endif
}

// The frames lie one above the other, from the stack pointer on. What does not is no frame.
std::size_t walk(const mcontext_t& registers, place* to, std::size_t size) noexcept {
  struct {
    std::uintptr_t frame, caller;
  } record;
  auto frame = static_cast<std::uintptr_t>(SIGSAFE_FRAME_POINTER(registers));
  auto above = static_cast<std::uintptr_t>(SIGSAFE_STACK_POINTER(registers));
  std::size_t found = 0;
  while (found < size && frame >= above && frame % sizeof(frame) == 0) {
    const auto* const words = reinterpret_cast<const std::uintptr_t*>(frame);
    if (!system::copy_from(words + SIGSAFE_FRAME_RECORD, &record, sizeof(record))) break;
    to[found++].address = record.caller;
    above = frame + 1;
    frame = record.frame;
  }
  return found;
}

// The program counter, and behind it who called; looked up.
struct trace {
  place pc{};
  place callers[most_callers + 1]{};
  std::size_t first = 0;
  std::size_t end = 0;

  explicit trace(const crash_info& crash) noexcept {
    const mcontext_t* const registers = registers_of(crash);
    if (registers == nullptr) return;
    pc.address = crash.program_counter();
    callers[0].address = caller_without_frame(*registers);
    end = 1 + walk(*registers, callers + 1, most_callers);
    system::find_objects(&pc, 1);
    system::find_objects(callers, end);
    first = pc.is_code ? 1 : 0;
    const auto* const no_code = std::find_if_not(callers + first, callers + end,
                                                 [](const place& each) { return each.is_code; });
    end = static_cast<std::size_t>(no_code - callers);
  }
};

void append(text_line& out, const place& code) noexcept {
  if (code.object[0] == '\0') return out.append_hexadecimal(code.address);
  out.append_printable(code.object);
  out.append("+");
  out.append_hexadecimal(code.offset);
}

void append_signal(text_line& out, const signal_info& signal) noexcept {
  out.append("sigsafe: ");
  out.append(signal.name());
  out.append(" (code ");
  out.append_number(signal.code());
  out.append(")");
  if (const auto fault = signal.faulted()) {
    out.append(" at address ");
    out.append_hexadecimal(reinterpret_cast<std::uintptr_t>(fault->address));
  } else if (const auto sender = signal.sender()) {
    out.append(" from process ");
    out.append_number(*sender);
  }
}

void append_thread(text_line& out) noexcept {
  out.append(", thread ");
  out.append_number(system::own_thread());
  out.append(" (");
  out.append_printable(system::own_name().text);
  out.append(") of process ");
  out.append_number(getpid());
}

void append_trace(text_line& out, const trace& found) noexcept {
  if (found.end > found.first) out.append(", returns to");
  for (std::size_t i = found.first; i < found.end; ++i) {
    out.append(" ");
    append(out, found.callers[i]);
  }
}

// A pipe whose reader sleeps must not keep the process alive. When there is room at all there is
// room for the line.
bool write_once(int fd, std::string_view text) noexcept {
  constexpr int patience = 1000;
  pollfd room{fd, POLLOUT, 0};
  int ready;
  do ready = poll(&room, 1, patience);
  while (ready < 0 && errno == EINTR);
  return ready == 1 && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

}  // namespace

bool write_crash_line(const crash_info& crash, int fd, crash_line_kind kind) noexcept {
  text_line out;
  append_signal(out, crash.signal());
  out.append(", pc ");
  if (kind == crash_line_kind::whole) {
    const trace found{crash};
    append(out, found.pc);
    append_thread(out);
    append_trace(out, found);
  } else {
    out.append_hexadecimal(crash.program_counter());
    append_thread(out);
    out.append("; the crash handler has crashed, too");
  }
  return write_once(fd, out.end());
}

}  // namespace sigsafe::detail

namespace sigsafe {

std::uintptr_t crash_info::program_counter() const noexcept {
  const mcontext_t* const registers = detail::registers_of(*this);
  if (registers == nullptr) return 0;
  return static_cast<std::uintptr_t>(SIGSAFE_PROGRAM_COUNTER(*registers));
}

std::size_t crash_info::return_addresses(std::uintptr_t* to, std::size_t size) const noexcept {
  const detail::trace found{*this};
  const std::size_t count = std::min(size, found.end - found.first);
  for (std::size_t i = 0; i < count; ++i) to[i] = found.callers[found.first + i].address;
  return count;
}

bool crash_info::write_to(int fd) const noexcept {
  return detail::write_crash_line(*this, fd, detail::crash_line_kind::whole);
}

}  // namespace sigsafe
