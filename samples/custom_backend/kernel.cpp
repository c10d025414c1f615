// sigsafe with a backend of one's own: devices wait for the release of a guard, the watchdog does
// not. samples/custom_backend/run builds and boots it.
#include <sigsafe/guard.hpp>
#include <sigsafe/mutex.hpp>

#include "machine.hpp"

namespace {

constexpr unsigned device_vector = 0x40;
constexpr unsigned watchdog_vector = 0xf0;

constinit sigsafe::mutex<int> device_interrupts{0};
volatile int watchdog_interrupts =
    0;  // its handler comes at any time and shares nothing in a mutex

[[gnu::interrupt]] void on_device(machine::frame*) {
  machine::acknowledge();
  ++*device_interrupts.lock();
}

[[gnu::interrupt]] void on_watchdog(machine::frame*) {
  machine::acknowledge();
  watchdog_interrupts = watchdog_interrupts + 1;
}

void raise_both() noexcept {
  machine::raise(device_vector);
  machine::raise(watchdog_vector);
  while (watchdog_interrupts == 0) asm volatile("pause");
}

}  // namespace

extern "C" [[noreturn]] void kernel_main() {
  machine::set_handler(device_vector, on_device);
  machine::set_handler(watchdog_vector, on_watchdog);
  machine::start_timer(device_vector, 0);  // the local APIC, with its timer stopped
  machine::enable_interrupts();

  int inside;
  {
    const auto locked = device_interrupts.lock();
    raise_both();
    inside = *locked;
  }
  const int after = *device_interrupts.lock();

  const int watchdog = watchdog_interrupts;
  machine::print("custom_backend: inside the lock the watchdog ran ", watchdog,
                 " time, the device ", inside, " times; after it the device ran ", after, " time");

  {
    sigsafe::guard idle;
    machine::raise(device_vector);
    while (*device_interrupts.lock() == after) idle.wait();
  }
  machine::print("custom_backend: a device's interrupt ended the sleep of a guard");
  machine::end(inside == 0 && watchdog == 1 && after == 1);
}

void sigsafe::panic(const panic_info& info) noexcept {
  machine::print("panic: ", info.what);
  machine::end(false);
}
