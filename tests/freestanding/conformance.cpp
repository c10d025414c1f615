// The conformance cases, and those that only processors have, on the processor's own backend and on
// the same with a count; with ONLY_FLAT or ONLY_COUNTED on one of the two, which is enough for a
// broken copy.
#include <utility>

#include <tests/freestanding/harness.hpp>
#include <tests/freestanding/list.hpp>
#include <tests/freestanding/this_cpu.hpp>

using namespace conformance;

namespace {

/// A status bit beside the one that enables interrupts, changed inside an operation.
template <class E>
void status_a_foreign_bit_that_a_holder_changes_stays_changed() {
  mutex<int, E> shared{0};
  ref_cell<int, E> cell{0};
  for (int turn = 0; turn < 2; ++turn) {
    const bool before = board::foreign_bit();
    {
      const guard<E> off;
      board::flip_foreign_bit();
    }
    CONFORMS(board::foreign_bit() == !before);
    shared.with_lock([](int&) { board::flip_foreign_bit(); });
    CONFORMS(board::foreign_bit() == before);
    cell.with_borrow([](const int&) { board::flip_foreign_bit(); });
    CONFORMS(board::foreign_bit() == !before);
    const counter<E> arrived;
    guard<E> off;
    board::flip_foreign_bit();
    E::raise(line::software);
    while (arrived.runs() == 0) off.wait();
    CONFORMS(board::foreign_bit() == before);
    board::flip_foreign_bit();
  }
}

template <class E>
void status_a_guard_that_began_disabled_stays_disabled() {
  using native = sigsafe::backend::native;
  const counter<E> arrived;
  const auto saved = native::disable();
  { const guard<E> off; }
  E::raise(line::software);
  { const guard<E> off; }
  CONFORMS(arrived.runs() == 0);
  native::restore(saved);
  CONFORMS(arrived.runs() == 1);
}

/// A handler may switch to another task while this one sleeps: the count must not be in its way.
template <class E>
void wait_a_sleeper_holds_nothing() {
  volatile bool slept = false;
  volatile unsigned holds = 0;
  const auto handler = handle<E>(line::software, [&]() noexcept {
    holds = this_cpu::nesting().holds;
    slept = true;
  });
  guard<E> off;
  E::raise(line::software);
  while (!slept) off.wait();
  CONFORMS(holds == 0);
}

/// A lock that another CPU takes at once when it is free.
struct contended_lock {
  void lock() noexcept { held = true; }
  bool try_lock() noexcept { return !std::exchange(held, true); }
  void unlock() noexcept {
    held = false;
    if (next_holder != nullptr) next_holder();
  }

  void (*next_holder)() = nullptr;
  bool held = false;
};

/// Where a mutex keeps what comes back: another CPU, with its interrupts disabled, keeps its own
/// there.
template <class E>
void mutex_the_next_holder_does_not_change_what_comes_back() {
  using B = typename E::backend;
  if constexpr (!sigsafe::counting_backend<B>) {
    static constinit sigsafe::raw_mutex<contended_lock, B> shared;
    shared.lock();
    shared.underlying().next_holder = [] { shared.lock(); };
    shared.unlock();
    CONFORMS(B::enabled());
  }
}

}  // namespace

extern "C" void board::kernel_main() noexcept {
  board::start();
#define RUN(backend, suite, name) \
  harness::run(#backend, #suite "/" #name, suite##_##name<harness::environment<backend>>);
#if !defined(ONLY_COUNTED)
  using flat = sigsafe::backend::native;
#define RUN_FLAT(suite, name) RUN(flat, suite, name)
  SIGSAFE_CONFORMANCE_CASES(RUN_FLAT)
  SIGSAFE_PROCESSOR_CASES(RUN_FLAT)
#endif
#if !defined(ONLY_FLAT)
#define RUN_COUNTED(suite, name) RUN(counted, suite, name)
  SIGSAFE_CONFORMANCE_CASES(RUN_COUNTED)
  SIGSAFE_COUNTING_CASES(RUN_COUNTED)
  SIGSAFE_PROCESSOR_CASES(RUN_COUNTED)
#endif
  harness::end();
}
