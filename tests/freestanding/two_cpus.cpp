// Two CPUs and the interrupt handlers of both share one mutex.
#include <tests/freestanding/console.hpp>
#include <tests/freestanding/harness.hpp>
#include <tests/freestanding/list.hpp>
#include <tests/freestanding/this_cpu.hpp>

namespace {

// Of each CPU in one case, at least. The interrupts also say that both ran at the same time.
constexpr unsigned long sections_each = 500'000;
constexpr unsigned long interrupts_each = 50;

/// Written only by its CPU, one for each; read by the other.
struct by_cpu {
  unsigned long value[2] = {};
  void add() noexcept {
    unsigned long& mine = value[board::cpu()];
    __atomic_store_n(&mine, mine + 1, __ATOMIC_RELEASE);
  }
  [[nodiscard]] unsigned long of(unsigned cpu) const noexcept {
    return __atomic_load_n(&value[cpu], __ATOMIC_ACQUIRE);
  }
};

/// Plain words: only mutual exclusion keeps them equal, and their sum complete.
struct tally {
  unsigned long sections = 0;
  unsigned long copy = 0;
  unsigned long torn = 0;
  void count() noexcept {
    if (sections != copy) ++torn;
    ++sections;
    asm volatile("" ::: "memory");  // the first is written before the second is touched
    ++copy;
  }
};

template <class B>
struct shared {
  static inline constinit sigsafe::mutex<tally, sigsafe::spinlock, B> mutex{};
  static inline constinit by_cpu sections{}, sent{}, handled{}, finished{};
  static inline constinit volatile bool stays_disabled = false;

  static void on_interrupt() noexcept {
    mutex.lock()->count();
    handled.add();
  }

  /// The other CPU is interrupted by one interrupt at a time, so that no two are one.
  static void work() {
    const unsigned me = board::cpu();
    const unsigned other = 1 - me;
    while ((sections.of(me) < sections_each || sent.of(me) < interrupts_each) && !stays_disabled) {
      mutex.lock()->count();
      sections.add();
      if (!B::enabled()) stays_disabled = true;
      if (sections.of(me) % 10 == 0 && sent.of(me) == handled.of(other)) {
        sent.add();
        board::raise_on(other);
      }
    }
    while (sent.of(me) != handled.of(other) && !stays_disabled) SIGSAFE_CPU_RELAX();
    finished.add();
  }
};

/// What the second CPU is to do next; and that it takes interrupts, which before are lost.
void (*order)();
volatile bool is_ready = false;

void second_cpu() {
  board::enable();
  is_ready = true;
  for (;;) {
    if (auto* const work = __atomic_exchange_n(&order, nullptr, __ATOMIC_ACQUIRE)) work();
    SIGSAFE_CPU_RELAX();
  }
}

template <class E>
void two_cpus_share_a_mutex_with_the_handlers_of_both() {
  using all = shared<typename E::backend>;
  const auto handler =
      conformance::handle<E>(conformance::line::software, []() noexcept { all::on_interrupt(); });
  __atomic_store_n(&order, &all::work, __ATOMIC_RELEASE);
  all::work();
  while (all::finished.of(1) == 0) SIGSAFE_CPU_RELAX();

  const tally& end = all::mutex.get_mut();
  const unsigned long interrupts = all::handled.of(0) + all::handled.of(1);
  console::print("  ", end.sections, " sections, ", interrupts, " of them in handlers, ", end.torn,
                 " torn");
  CONFORMS(!all::stays_disabled);
  CONFORMS(end.torn == 0);
  CONFORMS(end.sections == all::sections.of(0) + all::sections.of(1) + interrupts);
  CONFORMS(end.copy == end.sections);
  CONFORMS(all::handled.of(0) == all::sent.of(1));
  CONFORMS(all::handled.of(1) == all::sent.of(0));
}

}  // namespace

extern "C" void board::kernel_main() noexcept {
  using flat = sigsafe::backend::native;
  board::start();
  board::start_second_cpu(second_cpu);
  while (!is_ready) SIGSAFE_CPU_RELAX();
#define RUN(suite, name)                                                              \
  harness::run("flat", #suite "/" #name, suite##_##name<harness::environment<flat>>); \
  harness::run("counted", #suite "/" #name, suite##_##name<harness::environment<counted>>);
  SIGSAFE_TWO_CPU_CASES(RUN)
  harness::end();
}
