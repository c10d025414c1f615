#include <sigsafe/panic.hpp>

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include <sigsafe/location.hpp>
#include <sigsafe/src/line.hpp>
#include <sigsafe/src/panic_function.hpp>

namespace sigsafe {
namespace {

void append(detail::line<1024>& out, const location& place) noexcept {
  out.append(place.file);
  out.append(":");
  out.append_number(place.line);
}

void write_line(const panic_info& info) noexcept {
  detail::line<1024> out;
  out.append("sigsafe: ");
  if (info.where.file != nullptr) {
    append(out, info.where);
    out.append(": ");
  }
  out.append(info.what);
  if (info.other_label != nullptr && info.other.file != nullptr) {
    out.append("; ");
    out.append(info.other_label);
    out.append(" ");
    append(out, info.other);
  }
  const std::string_view text = out.end();
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);  // the line must come out
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

panic_function or_default(panic_function function) noexcept {
  return function != nullptr ? function : write_line;
}

}  // namespace

void panic(const panic_info& info) noexcept {
  // A handler of SIGABRT that panics too would come back here for ever.
  static constinit std::atomic<pthread_t> panicking{};
  if (panicking.exchange(pthread_self(), std::memory_order_relaxed) == pthread_self())
    std::signal(SIGABRT, SIG_DFL);
  or_default(detail::current_panic_function.load(std::memory_order_acquire))(info);
  std::abort();
}

panic_function set_panic_function(panic_function function) noexcept {
  // The default is no address: it would be that of one of the copies, which may be unloaded.
  if (function == write_line) function = nullptr;
  return or_default(detail::current_panic_function.exchange(function, std::memory_order_acq_rel));
}

}  // namespace sigsafe
