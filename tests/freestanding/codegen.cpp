// What a kernel compiles: looked at by ./codegen, never run.
#include <sigsafe/guard.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/ref_cell.hpp>

#include <tests/freestanding/this_cpu.hpp>

constinit sigsafe::mutex<int> shared{0};
constinit sigsafe::ref_cell<int> cell{0};
constinit sigsafe::mutex<int, sigsafe::spinlock, counted> counted_shared{0};

extern "C" {

unsigned guarded_word;

void guarded() {
  const sigsafe::guard off;
  guarded_word = guarded_word + 1;
}

void sleeping(const volatile bool* flag) {
  sigsafe::guard off;
  while (!*flag) off.wait();
}

int locked() {
  *shared.lock() += 1;
  if (const auto tried = shared.try_lock()) return *tried;
  return *counted_shared.lock();
}

int borrowed() {
  cell.replace(2);
  if (const auto writer = cell.try_borrow_mut()) **writer = 3;
  const auto reader = cell.borrow();
  return *reader.clone();
}

}  // extern "C"

// Inlined, as a kernel's is.
unsigned board::cpu() noexcept { return 0; }
