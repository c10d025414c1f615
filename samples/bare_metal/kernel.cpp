// A kernel that does one thing: a timer interrupt measures, the main loop evaluates. They share a
// queue in a mutex and statistics in a cell. samples/bare_metal/run builds and boots it.
#include <sigsafe/guard.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/ref_cell.hpp>

#include "machine.hpp"

namespace {

constexpr unsigned timer_vector = 0x40;
constexpr unsigned spurious_vector = 0xff;
constexpr unsigned long enough = 1000;

struct measurement {
  unsigned long number;
  unsigned long check;  // a function of the number, so that half a measurement shows
};

class queue {
 public:
  bool push(measurement value) noexcept {
    if (size_ == capacity) return false;
    items_[(first_ + size_++) % capacity] = value;
    return true;
  }
  measurement pop() noexcept {
    const measurement value = items_[first_];
    first_ = (first_ + 1) % capacity;
    --size_;
    return value;
  }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

 private:
  static constexpr unsigned capacity = 64;
  measurement items_[capacity] = {};
  unsigned first_ = 0;
  unsigned size_ = 0;
};

struct statistics {
  unsigned long interrupts = 0;
  unsigned long dropped = 0;
  unsigned long evaluated = 0;
  unsigned long damaged = 0;
  unsigned long held_off = 0;
};

// Initialised before the kernel begins. Both disable interrupts while they are used; the mutex
// would also keep out other CPUs, the cell checks that nobody on this one uses it already.
constinit sigsafe::mutex<queue> measurements;
constinit sigsafe::ref_cell<statistics> counts;

[[gnu::interrupt]] void on_timer(machine::frame*) {
  machine::acknowledge();
  const auto mine = counts.borrow_mut();
  const unsigned long number = ++mine->interrupts;
  if (!measurements.lock()->push({number, ~number})) ++mine->dropped;
}

[[gnu::interrupt]] void on_spurious(machine::frame*) {}

/// Takes one measurement. Every fourth takes until the timer has gone off again.
measurement take_one() noexcept {
  const auto waiting = measurements.lock();  // interrupts are disabled from here ...
  const measurement taken = waiting->pop();
  if (taken.number % 4 == 0) {
    while (!machine::pending(timer_vector)) asm volatile("pause");
    ++counts.borrow_mut()->held_off;
  }
  return taken;
}  // ... to here, where the interrupt that came meanwhile is handled

}  // namespace

extern "C" [[noreturn]] void kernel_main() {
  machine::set_handler(timer_vector, on_timer);
  machine::set_handler(spurious_vector, on_spurious);
  machine::start_timer(timer_vector, 1'000'000);
  machine::enable_interrupts();

  unsigned long sleeps = 0;
  while (counts.borrow()->evaluated < enough) {
    {
      // Disabled between the look into the queue and the sleep, so no interrupt comes between them.
      sigsafe::guard idle;
      while (measurements.lock()->empty()) {
        ++sleeps;
        idle.wait();
      }
    }
    const measurement next = take_one();
    const auto mine = counts.borrow_mut();
    ++mine->evaluated;
    if (next.check != ~next.number) ++mine->damaged;
  }

  const statistics end = counts.take();
  machine::print("bare_metal: ", end.interrupts, " timer interrupts, ", end.evaluated,
                 " measurements evaluated, ", end.dropped, " dropped, ", end.damaged, " damaged");
  machine::print("bare_metal: ", end.held_off, " interrupts waited for the main loop; it slept ",
                 sleeps, " times");
  machine::end(end.damaged == 0);
}

// What a kernel supplies: nothing goes on after misuse.
void sigsafe::panic(const panic_info& info) noexcept {
  machine::print("panic: ", info.where.file, ":", static_cast<unsigned long>(info.where.line), ": ",
                 info.what);
  machine::end(false);
}

// Compilers copy and clear memory by these, also without a C library.
extern "C" void* memcpy(void* to, const void* from, unsigned long size) {
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size)::"memory");
  return to;
}
extern "C" void* memset(void* to, int value, unsigned long size) {
  asm volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
  return to;
}
