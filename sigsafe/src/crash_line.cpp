#include <sigsafe/src/crash_line.hpp>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <sigsafe/crash.hpp>
#include <sigsafe/signal_info.hpp>
#include <sigsafe/src/crash_trace.hpp>
#include <sigsafe/src/line.hpp>
#include <sigsafe/src/system/mappings.hpp>
#include <sigsafe/src/system/system.hpp>

namespace sigsafe::detail {
namespace {

using text_line = line<2048>;  // less than PIPE_BUF: one write is one piece, also in a pipe

void append(text_line& out, const system::place& code) noexcept {
  if (code.object[0] == '\0') return out.append_hexadecimal(code.address);
  out.append_printable(code.object);
  out.append("+");
  out.append_hexadecimal(code.offset);
}

void append_signal(text_line& out, const signal_info& signal) noexcept {
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

void append_callers(text_line& out, const crash_trace& trace) noexcept {
  if (trace.begin() != trace.end()) out.append(trace.is_guessed() ? ", perhaps" : ", returns to");
  for (const system::place& caller : trace) {
    out.append(" ");
    append(out, caller);
  }
}

void append_crash(text_line& out, const crash_info& crash) noexcept {
  append_signal(out, crash.signal());
  out.append(", pc ");
  const crash_trace trace{crash};
  append(out, trace.pc());
  append_thread(out);
  append_callers(out, trace);
}

// A pipe whose reader sleeps must not keep the process alive. When there is room at all there is
// room for the line. Nobody can ask in a sandbox whose RLIMIT_NOFILE is 0.
bool write_once(int fd, std::string_view text) noexcept {
  constexpr int patience = 1000;
  pollfd room{fd, POLLOUT, 0};
  int ready;
  do ready = poll(&room, 1, patience);
  while (ready < 0 && errno == EINTR);
  return ready != 0 && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

}  // namespace

bool write_crash_line(const crash_info& crash, int fd, crash_line_kind kind) noexcept {
  text_line out;
  out.append("sigsafe: ");
  if (kind == crash_line_kind::whole) {
    append_crash(out, crash);
  } else {
    append_signal(out, crash.signal());
    out.append(", pc ");
    out.append_hexadecimal(program_counter(crash));
    append_thread(out);
    out.append("; the crash handler has crashed, too");
  }
  return write_once(fd, out.end());
}

}  // namespace sigsafe::detail

namespace sigsafe {

std::uintptr_t crash_info::program_counter() const noexcept {
  return detail::program_counter(*this);
}

std::size_t crash_info::return_addresses(std::uintptr_t* to, std::size_t size) const noexcept {
  const detail::crash_trace trace{*this};
  std::size_t found = 0;
  if (trace.is_guessed()) return found;
  for (const detail::system::place& caller : trace)
    if (found < size) to[found++] = caller.address;
  return found;
}

bool crash_info::write_to(int fd) const noexcept {
  return detail::write_crash_line(*this, fd, detail::crash_line_kind::whole);
}

std::size_t crash_info::write_to(char* to, std::size_t size) const noexcept {
  detail::text_line out;
  detail::append_crash(out, *this);
  return out.view().copy(to, size);
}

}  // namespace sigsafe
