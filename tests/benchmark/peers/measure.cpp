#include <tests/benchmark/peers/measure.hpp>

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <vector>

#include <tests/benchmark/peers/descriptors.hpp>
#include <tests/benchmark/peers/peer.hpp>
#include <tests/benchmark/send.hpp>
#include <tests/benchmark/work.hpp>

namespace benchmarked {
namespace {

double nanoseconds(clockid_t clock) noexcept {
  timespec time;
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

double now() noexcept { return nanoseconds(CLOCK_MONOTONIC); }

/// Until several turns have brought nothing.
void drain(peer& of) {
  for (int idle = 0; idle < 3; ++idle) {
    const std::uint64_t before = of.callbacks;
    of.turn(false);
    if (of.callbacks != before) idle = -1;
  }
}

/// Sends the signal to this process at a rate, while it lives.
class signal_timer {
 public:
  explicit signal_timer(unsigned rate) : rate_(rate) {
    if (rate == 0) return;
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = the_signal;
    checked(timer_create(CLOCK_MONOTONIC, &event, &timer_), "timer_create");
    const timespec interval{rate == 1, rate == 1 ? 0 : 1'000'000'000L / rate};
    const itimerspec wanted{interval, interval};
    checked(timer_settime(timer_, 0, &wanted, nullptr), "timer_settime");
  }
  signal_timer(const signal_timer&) = delete;
  signal_timer& operator=(const signal_timer&) = delete;
  ~signal_timer() {
    if (rate_ != 0) timer_delete(timer_);
  }

 private:
  unsigned rate_;
  timer_t timer_{};
};

/// How often a unit of work and `between` are done in a second of this thread's processor time: so
/// other programs that want the processor do not count.
template <class Between>
double units_in_a_second(double seconds, Between between) {
  constexpr int steps = 12'000;
  unsigned long seed = first_seed;
  double units = 0;
  const double start = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
  double spent = 0;
  for (; spent < seconds * 1e9; spent = nanoseconds(CLOCK_THREAD_CPUTIME_ID) - start) {
    seed = work(seed, steps);
    asm volatile("" : : "r"(seed));
    between();
    ++units;
  }
  return units * 1e9 / spent;
}

}  // namespace

void signal_and_turn(peer& of) {
  const std::uint64_t before = of.callbacks;
  send_to_self(the_signal);
  while (of.callbacks == before) of.turn(true);
}

std::vector<double> time_turns(peer& of, std::uint64_t turns) {
  std::vector<double> times;
  times.reserve(turns);
  for (int warms = 0; warms < 20; ++warms) signal_and_turn(of);
  double begin = now();
  for (std::uint64_t i = 0; i < turns; ++i) {
    signal_and_turn(of);
    const double end = now();
    times.push_back(end - begin);
    begin = end;
  }
  return times;
}

burst_result raise_before_a_turn(peer& of, std::uint64_t signals) {
  const std::uint64_t callbacks_before = of.callbacks, signals_before = of.signals;
  const double begin = now();
  for (std::uint64_t i = 0; i < signals; ++i) send_to_self(the_signal);
  drain(of);
  const double spent = now() - begin;
  return {static_cast<double>(of.callbacks - callbacks_before),
          static_cast<double>(of.signals - signals_before), spent / static_cast<double>(signals)};
}

storm_result work_in_a_storm(peer& of, unsigned rate, double seconds) {
  const double alone = units_in_a_second(seconds, [] {});
  const std::uint64_t before = of.callbacks;
  double disturbed = 0;
  {
    const signal_timer source{rate};
    disturbed = units_in_a_second(seconds, [&] { of.turn(false); });
  }
  const auto callbacks = static_cast<double>(of.callbacks - before);
  drain(of);
  return {disturbed / alone, callbacks / seconds};
}

double time_getpid() {
  constexpr int calls = 1000;
  const double begin = now();
  for (int i = 0; i < calls; ++i) syscall(SYS_getpid);
  return (now() - begin) / calls;
}

}  // namespace benchmarked
