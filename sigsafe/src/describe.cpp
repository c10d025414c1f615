// What values of sigsafe look like in text.
#include <sigsafe/formatters.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <sigsafe/crash.hpp>
#include <sigsafe/exit_status.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/signal_info.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/line.hpp>
#include <sigsafe/src/signal_text.hpp>
#include <sigsafe/wake.hpp>

namespace sigsafe::detail {
namespace {

template <std::size_t Size>
void append_status(line<Size>& out, exit_status status) noexcept {
  if (!status) return out.append("running");
  if (status.unknown()) return out.append("ended unseen");
  if (status.exited()) {
    out.append("exited with ");
    return out.append_number(status.code());
  }
  out.append("killed by ");
  append_signal(out, status.signal());
  if (status.dumped_core()) out.append(", dumped core");
}

template <std::size_t Size>
void append_child(line<Size>& out, const signal_info::child_status& child) noexcept {
  using event = signal_info::child_status::event;
  out.append(": process ");
  out.append_number(child.pid);
  out.append(" ");
  switch (child.what) {
    case event::exited: return append_status(out, exit_status::of_code(child.status));
    case event::killed: return append_status(out, exit_status::of_signal(child.status));
    case event::dumped: return append_status(out, exit_status::of_signal(child.status, true));
    case event::trapped: out.append("trapped by "); break;
    case event::stopped: out.append("stopped by "); break;
    case event::continued: out.append("continued by "); break;
  }
  append_signal(out, child.status);
}

void append_info(line<128>& out, const signal_info& info) noexcept {
  append_signal(out, info.number());
  if (const auto child = info.child()) return append_child(out, *child);
  if (const auto fault = info.faulted()) {
    out.append(" (code ");
    out.append_number(fault->code);
    out.append(") at address ");
    return out.append_hexadecimal(reinterpret_cast<std::uintptr_t>(fault->address));
  }
  if (const auto sender = info.sender()) {
    out.append(" from process ");
    out.append_number(*sender);
  } else if (info.from() == signal_info::origin::timer) {
    out.append(" from a timer");
  } else if (const auto descriptor = info.descriptor()) {
    out.append(" from descriptor ");
    out.append_number(descriptor->fd);
  }
  if (const auto value = info.value(); value && info.from() != signal_info::origin::timer) {
    out.append(", value ");
    out.append_number(value->sival_int);
  }
}

constexpr std::string_view name_of(wake why) noexcept {
  switch (why) {
    case wake::handler: return "handler";
    case wake::ready: return "ready";
    case wake::timeout: return "timeout";
  }
  return "?";
}

}  // namespace

std::size_t describe(const crash_info& value, char* to, std::size_t size) noexcept {
  return value.write_to(to, size);
}

std::size_t describe(exit_status value, char* to, std::size_t size) noexcept {
  line<64> out;
  append_status(out, value);
  return out.view().copy(to, size);
}

std::size_t describe(location value, char* to, std::size_t size) noexcept {
  if (value.file == nullptr) return std::string_view{"?"}.copy(to, size);
  line<1024> out;
  out.append(value.file);
  out.append(":");
  out.append_number(value.line);
  return out.view().copy(to, size);
}

std::size_t describe(const signal_info& value, char* to, std::size_t size) noexcept {
  line<128> out;
  append_info(out, value);
  return out.view().copy(to, size);
}

std::size_t describe(signal_set value, char* to, std::size_t size) noexcept {
  line<1024> out;
  out.append("{");
  for (const int signal : value) {
    if (out.view().size() > 1) out.append(", ");
    append_signal(out, signal);
  }
  out.append("}");
  return out.view().copy(to, size);
}

std::size_t describe(wake value, char* to, std::size_t size) noexcept {
  return name_of(value).copy(to, size);
}

}  // namespace sigsafe::detail
