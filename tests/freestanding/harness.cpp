#include <tests/freestanding/harness.hpp>

#include <sigsafe/panic.hpp>

#include <tests/freestanding/console.hpp>
#include <tests/freestanding/this_cpu.hpp>

namespace harness {
namespace {

slot slots[board::lines];
unsigned counts[board::lines];
unsigned long last_pc;

unsigned index(line from) noexcept { return static_cast<unsigned>(from); }

bool contains(const char* text, const char* part) noexcept {
  for (; *text != '\0'; ++text) {
    const char* t = text;
    const char* p = part;
    while (*p != '\0' && *t == *p) ++t, ++p;
    if (*p == '\0') return true;
  }
  return false;
}

/// What a panic is expected to say, while one is expected, and where it goes on then.
const char* expected_text;
bool said;
void* return_point[5];

/// A case that panicked leaves its guards, and whatever an interrupt may have left.
void clean_up() noexcept {
  this_cpu::nesting() = {};
  board::disarm_timer();
  for (slot& each : slots) each = {nullptr, nullptr};
}

// Apart from its caller, whose variables the jump may not touch.
[[gnu::noinline]] bool returns(void (*function)()) noexcept {
  if (__builtin_setjmp(return_point) != 0) return false;
  function();
  return true;
}

}  // namespace

void set_slot(line from, slot handled) noexcept {
  slots[index(from)] = handled;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void fail(const char* what, sigsafe::location where) noexcept {
  console::print("FAILED ", where.file, ":", static_cast<unsigned long>(where.line), ": ", what,
                 " does not hold");
  board::end(false);
}

unsigned handled(line from) noexcept {
  return __atomic_load_n(&counts[index(from)], __ATOMIC_RELAXED);
}

unsigned long interrupted_at() noexcept { return __atomic_load_n(&last_pc, __ATOMIC_RELAXED); }

void raise(line from) noexcept {
  const auto source = from == line::timer ? board::line::timer : board::line::software;
  const unsigned before = handled(from);
  if (from == line::timer)
    board::arm_timer(1);
  else
    board::raise();
  // An interrupt that is enabled is pending for a few instructions, one that is disabled for ever.
  for (unsigned seen = 0; handled(from) == before && seen < 1000;)
    if (board::pending(source)) ++seen;
}

bool panics(void (*function)(), const char* text) noexcept {
  said = false;
  expected_text = text;
  const bool returned = returns(function);
  expected_text = nullptr;
  clean_up();
  board::enable();
  return !returned && said;
}

void run(const char* suite, const char* name, void (*test)()) noexcept {
  console::print("begin ", suite, "/", name);
  board::enable();
  test();
  clean_up();
  console::print("ok ", suite, "/", name);
}

void end() noexcept {
  console::print("end");
  board::end(true);
}

}  // namespace harness

extern "C" void board::on_interrupt(board::line from, unsigned long pc) noexcept {
  using namespace harness;
  const unsigned which = static_cast<unsigned>(from);
  __atomic_store_n(&last_pc, pc, __ATOMIC_RELAXED);
  __atomic_store_n(&counts[which], counts[which] + 1, __ATOMIC_RELAXED);
  const slot handler = slots[which];
  if (handler.call != nullptr) handler.call(handler.function);
}

void board::on_exception(unsigned long cause, unsigned long pc) noexcept {
  console::put("FAILED: exception ");
  console::put(cause);
  console::put(" at ");
  console::put_address(pc);
  console::put("\n");
  board::end(false);
}

void sigsafe::panic(const panic_info& info) noexcept {
  if (harness::expected_text != nullptr) {
    harness::said = harness::contains(info.what, harness::expected_text);
    __builtin_longjmp(harness::return_point, 1);
  }
  harness::fail(info.what, info.where);
}

// What compilers call for copies and initial values, also without a C library.
extern "C" {

void* memcpy(void* to, const void* from, unsigned long size) {
  for (unsigned long i = 0; i < size; ++i)
    static_cast<volatile char*>(to)[i] = static_cast<const char*>(from)[i];
  return to;
}

void* memset(void* to, int value, unsigned long size) {
  for (unsigned long i = 0; i < size; ++i)
    static_cast<volatile char*>(to)[i] = static_cast<char>(value);
  return to;
}
}
