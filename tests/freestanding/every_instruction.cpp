// An interrupt before every instruction of every operation: a timer goes off one tick later in each
// run, and under the emulator's instruction-counted clock a tick is no longer than an instruction.
#include <tests/freestanding/console.hpp>
#include <tests/freestanding/harness.hpp>
#include <tests/freestanding/list.hpp>
#include <tests/freestanding/this_cpu.hpp>

namespace {

using conformance::line;
using sigsafe::location;

// ---- one run
// --------------------------------------------------------------------------------------

enum moment : unsigned { before, inside, after };

/// Where the program is, for the handler.
volatile moment now;

extern "C" const char sled_begin[], sled_end[];
constexpr unsigned sled_length = 8;

/// Between two stores: a row of nops, each of which must be interrupted, and the operation.
[[gnu::noinline]] void run_once(void (*operation)()) noexcept {
  now = inside;
  asm volatile(
      ".globl sled_begin, sled_end\n"
      "sled_begin: nop; nop; nop; nop; nop; nop; nop; nop\n"
      "sled_end:");
  operation();
  now = after;
}

[[gnu::noinline]] unsigned long instructions_of(void (*operation)()) noexcept {
  const unsigned long start = board::instructions();
  run_once(operation);
  return board::instructions() - start;
}

// ---- all runs
// -------------------------------------------------------------------------------------

/// The different instructions before which an interrupt came.
class places {
 public:
  void add(unsigned long pc) noexcept {
    if (contains(pc)) return;
    if (size_ == capacity) harness::fail("the operation is short enough", location::current());
    pcs_[size_++] = pc;
  }
  [[nodiscard]] bool contains(unsigned long pc) const noexcept {
    for (unsigned i = 0; i < size_; ++i)
      if (pcs_[i] == pc) return true;
    return false;
  }
  [[nodiscard]] unsigned size() const noexcept { return size_; }

 private:
  static constexpr unsigned capacity = 1024;
  unsigned long pcs_[capacity] = {};
  unsigned size_ = 0;
};

struct sweep {
  unsigned long inside = 0;  ///< interrupts that became pending inside, or just before the sled
  places interrupted;
};

/// Runs the operation with the timer set to 1, 2, ... ticks, until its interrupt comes after the
/// end, or so often, for one that ends by the interrupt.
template <class Subject>
void sweep_over(sweep& done, unsigned long most = ~0UL) noexcept {
  using E = harness::environment<sigsafe::backend::native>;
  moment found = before;
  bool held = true;
  const auto handler = conformance::handle<E>(line::timer, [&]() noexcept {
    found = now;
    if (found == inside) done.interrupted.add(harness::interrupted_at());
    held = Subject::handle() && held;
  });
  for (unsigned long ticks = 1; found != after && done.inside < most; ++ticks) {
    const unsigned handled = harness::handled(line::timer);
    now = before;
    board::arm_timer(ticks);
    run_once(Subject::operate);
    while (harness::handled(line::timer) == handled) {}
    board::disarm_timer();
    CONFORMS(held);
    CONFORMS(Subject::holds());
    CONFORMS(sigsafe::backend::native::enabled());
    CONFORMS(harness::handled(line::timer) == handled + 1);
    if (found == inside) ++done.inside;
  }
  const auto first = reinterpret_cast<unsigned long>(sled_begin);
  const auto size = reinterpret_cast<unsigned long>(sled_end) - first;
  for (unsigned long at = 0; at < size; at += size / sled_length)
    CONFORMS(done.interrupted.contains(first + at));
}

struct nothing {
  static void operate() noexcept {}
  static bool handle() noexcept { return true; }
  static bool holds() noexcept { return true; }
};

/// What an operation adds to one that does nothing.
template <class Subject>
struct measured {
  unsigned long instructions, inside, places;

  measured() noexcept {
    static constinit sweep empty, full;
    empty = {};
    full = {};
    instructions = instructions_of(Subject::operate) - instructions_of(nothing::operate);
    sweep_over<nothing>(empty);
    sweep_over<Subject>(full);
    inside = full.inside - empty.inside;
    places = full.interrupted.size() - empty.interrupted.size();
    console::print("  ", instructions, " instructions, ", inside, " interrupts inside, in ", places,
                   " places");
  }
};

// ---- the operations
// -------------------------------------------------------------------------------

/// Two words that are only ever seen together.
struct words {
  volatile int first = 0;
  volatile int second = 0;
  void change() noexcept {
    first = first + 1;
    second = second + 1;
  }
  [[nodiscard]] bool whole() const noexcept { return first == second; }
};

/// Nothing protects them: interrupts come between the two.
struct unguarded {
  static inline constinit words state{};
  static inline constinit volatile unsigned torn = 0;
  static void operate() noexcept { state.change(); }
  static bool handle() noexcept {
    if (!state.whole()) torn = torn + 1;
    return true;
  }
  static bool holds() noexcept { return true; }
};

template <class B>
struct guarded {
  static inline constinit words state{};
  static void operate() noexcept {
    const sigsafe::basic_guard<B> off;
    state.change();
  }
  static bool handle() noexcept {
    const bool whole = state.whole();
    state.change();
    return whole;
  }
  static bool holds() noexcept { return state.whole(); }
};

template <class B>
struct nested_guards : guarded<B> {
  static void operate() noexcept {
    const sigsafe::basic_guard<B> outer;
    guarded<B>::state.first = guarded<B>::state.first + 1;
    { const sigsafe::basic_guard<B> inner; }
    guarded<B>::state.second = guarded<B>::state.second + 1;
  }
};

template <class B>
struct locked {
  static inline constinit sigsafe::mutex<words, sigsafe::spinlock, B> shared{};
  static void operate() noexcept { shared.lock()->change(); }
  static bool handle() noexcept {
    const auto mine = shared.try_lock();
    if (!mine || !mine->whole()) return false;
    mine->change();
    return true;
  }
  static bool holds() noexcept { return !shared.is_locked() && shared.lock()->whole(); }
};

template <class B>
struct tried : locked<B> {
  static void operate() noexcept {
    if (const auto mine = locked<B>::shared.try_lock()) mine->change();
  }
};

template <class B>
struct borrowed {
  static inline constinit sigsafe::ref_cell<words, B> cell{};
  static void operate() noexcept { cell.borrow_mut()->change(); }
  static bool handle() noexcept {
    const auto mine = cell.try_borrow_mut();
    if (!mine || !(*mine)->whole()) return false;
    (*mine)->change();
    return true;
  }
  static bool holds() noexcept { return cell.borrow()->whole(); }
};

template <class B>
struct cloned : borrowed<B> {
  static inline constinit volatile bool whole = true;
  static void operate() noexcept {
    const auto one = borrowed<B>::cell.borrow();
    const auto two = one.clone();
    if (one->first != two->second) whole = false;
  }
  static bool holds() noexcept { return whole; }
};

/// Sleeps until the handler has run, which sets the timer again: a lost wake-up is a late one.
template <class B>
struct waiting {
  static constexpr unsigned long a_long_time = 20000;
  static inline constinit volatile unsigned arrivals = 0;
  static void operate() noexcept {
    sigsafe::basic_guard<B> off;
    while (arrivals == 0) off.wait();
  }
  static bool handle() noexcept {
    arrivals = arrivals + 1;
    board::arm_timer(a_long_time);
    return true;
  }
  static bool holds() noexcept {
    const bool in_time = arrivals == 1;
    arrivals = 0;
    return in_time;
  }
};

// ---- the cases
// ------------------------------------------------------------------------------------

template <class E>
void unguarded_is_interrupted_at_each_of_its_instructions() {
  const measured<unguarded> seen;
  CONFORMS(seen.places == seen.instructions);
  CONFORMS(seen.inside >= seen.instructions);
  CONFORMS(unguarded::torn > 0);
}

/// An interrupt became pending at each boundary, and at some of them it was held off.
template <class Subject>
void stands() noexcept {
  using E = harness::environment<sigsafe::backend::native>;
  const measured<Subject> seen;
  CONFORMS(seen.inside >= seen.instructions);
  CONFORMS(seen.places < seen.instructions);
}

template <class E>
void guard_holds() {
  stands<guarded<typename E::backend>>();
}
template <class E>
void guard_nested_holds() {
  stands<nested_guards<typename E::backend>>();
}
template <class E>
void mutex_lock_holds() {
  stands<locked<typename E::backend>>();
}
template <class E>
void mutex_try_lock_holds() {
  stands<tried<typename E::backend>>();
}
template <class E>
void ref_cell_borrow_mut_holds() {
  stands<borrowed<typename E::backend>>();
}
template <class E>
void ref_cell_clone_holds() {
  stands<cloned<typename E::backend>>();
}

/// Long enough that it sleeps in most runs.
template <class E>
void wait_misses_no_interrupt() {
  static constinit sweep done;
  done = {};
  constexpr unsigned long runs = 400;
  sweep_over<waiting<typename E::backend>>(done, runs);
  console::print("  ", done.interrupted.size(), " places");
  CONFORMS(done.interrupted.size() < runs / 2);
}

}  // namespace

extern "C" void board::kernel_main() noexcept {
  board::start();
#define RUN(backend, suite, name) \
  harness::run(#backend, #suite "/" #name, suite##_##name<harness::environment<backend>>);
#if !defined(ONLY_COUNTED)
  using flat = sigsafe::backend::native;
#define RUN_FLAT(suite, name) RUN(flat, suite, name)
  RUN_FLAT(unguarded, is_interrupted_at_each_of_its_instructions)
  SIGSAFE_INJECTED_CASES(RUN_FLAT)
#endif
#if !defined(ONLY_FLAT)
#define RUN_COUNTED(suite, name) RUN(counted, suite, name)
  SIGSAFE_INJECTED_CASES(RUN_COUNTED)
#endif
  harness::end();
}
