// Crash reports, and stacks for them.
#include <sigsafe/sigsafe.h>

#include <errno.h>

#include <cstddef>
#include <cstdint>

#include <sigsafe/alternate_stack.hpp>
#include <sigsafe/crash.hpp>
#include <sigsafe/signal_info.hpp>
#include <sigsafe/src/c/failure.hpp>
#include <sigsafe/src/c/object.hpp>

namespace sigsafe::c {
namespace {

struct crash_call {
  int fd;
  sigsafe_crash_function* function;
  void* data;

  void operator()(const crash_info& crash) const noexcept {
    if (function != nullptr)
      function(reinterpret_cast<const sigsafe_crash*>(&crash), data);
    else
      crash.write_to(fd);
  }
};

const crash_info& info_of(const sigsafe_crash* crash) noexcept {
  return *reinterpret_cast<const crash_info*>(crash);
}

using crash_reporter = crash_handler<crash_call>;

}  // namespace
}  // namespace sigsafe::c

int sigsafe_crash_handler_begin(sigsafe_crash_handler* handler, int fd,
                                sigsafe_crash_function* function, void* data) noexcept {
  sigsafe::c::object<sigsafe::c::crash_reporter, sigsafe_crash_handler> memory{handler};
  if (memory.exists())
    return sigsafe::c::fail(EBUSY,
                            "sigsafe: this sigsafe_crash_handler has begun already; end it first");
  return sigsafe::c::error_of([&] { memory.make(sigsafe::c::crash_call{fd, function, data}); });
}

int sigsafe_crash_handler_end(sigsafe_crash_handler* handler) noexcept {
  return sigsafe::c::object<sigsafe::c::crash_reporter, sigsafe_crash_handler>{handler}.end(
      "sigsafe: this sigsafe_crash_handler has not begun");
}

bool sigsafe_crash_handler_in_force(const sigsafe_crash_handler* handler) noexcept {
  const auto* const begun = sigsafe::c::existing<sigsafe::c::crash_reporter>(handler);
  return begun != nullptr && begun->in_force();
}

int sigsafe_crash_handler_reinstall(sigsafe_crash_handler* handler) noexcept {
  auto* const begun = sigsafe::c::existing<sigsafe::c::crash_reporter>(handler);
  if (begun == nullptr)
    return sigsafe::c::fail(EINVAL, "sigsafe: this sigsafe_crash_handler has not begun");
  return sigsafe::c::error_of([&] { begun->reinstall(); });
}

sigsafe_signal sigsafe_crash_signal(const sigsafe_crash* crash) noexcept {
  const sigsafe::signal_info& info = sigsafe::c::info_of(crash).signal();
  return {info.number(), &info.native(), info.context()};
}

bool sigsafe_crash_write(const sigsafe_crash* crash, int fd) noexcept {
  return sigsafe::c::info_of(crash).write_to(fd);
}

size_t sigsafe_crash_text(const sigsafe_crash* crash, char* to, size_t size) noexcept {
  return sigsafe::c::info_of(crash).write_to(to, size);
}

uintptr_t sigsafe_crash_program_counter(const sigsafe_crash* crash) noexcept {
  return sigsafe::c::info_of(crash).program_counter();
}

size_t sigsafe_crash_return_addresses(const sigsafe_crash* crash, uintptr_t* to,
                                      size_t size) noexcept {
  return sigsafe::c::info_of(crash).return_addresses(to, size);
}

int sigsafe_alternate_stack_begin(sigsafe_alternate_stack* stack, size_t room) noexcept {
  sigsafe::c::object<sigsafe::alternate_stack, sigsafe_alternate_stack> memory{stack};
  if (memory.exists())
    return sigsafe::c::fail(
        EBUSY, "sigsafe: this sigsafe_alternate_stack has begun already; end it first");
  if (room == 0) room = sigsafe::alternate_stack::default_room;
  return sigsafe::c::error_of([&] { memory.make(room); });
}

int sigsafe_alternate_stack_end(sigsafe_alternate_stack* stack) noexcept {
  return sigsafe::c::object<sigsafe::alternate_stack, sigsafe_alternate_stack>{stack}.end(
      "sigsafe: this sigsafe_alternate_stack has not begun");
}
