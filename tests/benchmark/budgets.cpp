// What guards, mutexes, cells and handlers cost, as ratios of two medians of one run.
//
// Both sides of a ratio run in this process, in many short rounds in random order, so that what
// disturbs the machine disturbs both. Nothing here is asserted: a clock does not repeat.
#include <benchmark/benchmark.h>

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <sigsafe/sigsafe.hpp>

namespace {

using namespace sigsafe;

void barrier() { asm volatile("" ::: "memory"); }

// ---- the yardsticks ---------------------------------------------------------------------------

constinit thread_local unsigned counter = 0;

void thread_local_pair(benchmark::State& state) {
  for (auto _ : state) {
    counter = counter + 1;
    barrier();
    counter = counter - 1;
    barrier();
  }
}

// The same eight times, each with a counter of its own. In a chain of pairs on one counter each
// load waits for the store before it, unless the processor forwards that for nothing; so the other
// loop takes two or three nanoseconds on one processor and less than one on the next. Here nothing
// waits.
constinit thread_local unsigned counters[8] = {};

void thread_local_pairs_apart(benchmark::State& state) {
  while (state.KeepRunningBatch(8))
    for (unsigned& own : counters) {
      own = own + 1;
      barrier();
      own = own - 1;
      barrier();
    }
}

void sigmask_pair(benchmark::State& state) {
  const sigset_t set = signal_set::maskable().native();
  sigset_t old;
  for (auto _ : state) {
    pthread_sigmask(SIG_BLOCK, &set, &old);
    barrier();
    pthread_sigmask(SIG_SETMASK, &old, nullptr);
  }
}

void getpid_call(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(getpid());
}

template <class Lock>
void lock_alone(benchmark::State& state) {
  static Lock lock;
  for (auto _ : state) {
    lock.lock();
    barrier();
    lock.unlock();
  }
}

// What a lazy mutex is measured against: its lock, and the pair, in one loop.
void lock_and_pair(benchmark::State& state) {
  static futex_lock lock;
  for (auto _ : state) {
    counter = counter + 1;
    barrier();
    lock.lock();
    barrier();
    lock.unlock();
    barrier();
    counter = counter - 1;
    barrier();
  }
}

// ---- guards, mutexes, cells -------------------------------------------------------------------

void lazy_guard(benchmark::State& state) {
  for (auto _ : state) {
    const lazy::guard guard;
    barrier();
  }
}

void eager_guard(benchmark::State& state) {
  for (auto _ : state) {
    const guard off;
    barrier();
  }
}

void eager_guard_nested(benchmark::State& state) {
  const guard outer;
  for (auto _ : state) {
    const guard off;
    barrier();
  }
}

void lazy_mutex(benchmark::State& state) {
  static lazy::raw_mutex<> mutex;
  for (auto _ : state) {
    mutex.lock();
    barrier();
    mutex.unlock();
  }
}

void lazy_cell(benchmark::State& state) {
  static constinit thread_local lazy::ref_cell<int> cell;
  for (auto _ : state) {
    const auto borrowed = cell.borrow_mut();
    barrier();
  }
}

// Real work: about 100 ns of arithmetic that cannot be folded.
unsigned long work(unsigned long seed) {
  for (int i = 0; i < 64; ++i) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
  }
  return seed;
}

void work_alone(benchmark::State& state) {
  unsigned long seed = 88172645463325252UL;
  for (auto _ : state) benchmark::DoNotOptimize(seed = work(seed));
}

void work_in_lazy_guard(benchmark::State& state) {
  unsigned long seed = 88172645463325252UL;
  for (auto _ : state) {
    const lazy::guard guard;
    benchmark::DoNotOptimize(seed = work(seed));
  }
}

// ---- signals ----------------------------------------------------------------------------------

constinit volatile int received = 0;

void send_to_self(int signal) {
  static const pid_t process = getpid();
  static const auto thread = static_cast<pid_t>(syscall(SYS_gettid));
  syscall(SYS_tgkill, process, thread, signal);
}

// Installed as a careful program does it by hand: everything blocked, with the siginfo.
struct sigaction install_bare_handler() {
  struct sigaction action{}, old;
  action.sa_sigaction = [](int, siginfo_t*, void*) { received = received + 1; };
  action.sa_flags = SA_SIGINFO;
  sigfillset(&action.sa_mask);
  sigaction(SIGUSR1, &action, &old);
  return old;
}

void bare_handler(benchmark::State& state) {
  const struct sigaction old = install_bare_handler();
  for (auto _ : state) send_to_self(SIGUSR1);
  sigaction(SIGUSR1, &old, nullptr);
}

void sigsafe_handler(benchmark::State& state) {
  const handler on_signal{SIGUSR1, []() noexcept { received = received + 1; }};
  for (auto _ : state) send_to_self(SIGUSR1);
}

template <int Others>
void sigsafe_handler_among(benchmark::State& state) {
  const auto nothing = []() noexcept {};
  std::deque<handler<decltype(nothing)>> others;
  for (int i = 0; i < Others; ++i) others.emplace_back(SIGHUP, nothing);
  sigsafe_handler(state);
}

void signal_in_mask(benchmark::State& state) {
  const struct sigaction old = install_bare_handler();
  const sigset_t set = signal_set::maskable().native();
  sigset_t mask;
  for (auto _ : state) {
    pthread_sigmask(SIG_BLOCK, &set, &mask);
    send_to_self(SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  }
  sigaction(SIGUSR1, &old, nullptr);
}

void signal_in_lazy_guard(benchmark::State& state) {
  const handler on_signal{SIGUSR1, []() noexcept { received = received + 1; }};
  for (auto _ : state) {
    const lazy::guard guard;
    send_to_self(SIGUSR1);
  }
}

// ---- the table --------------------------------------------------------------------------------

struct budget {
  const char* what;
  const char* measured;
  const char* against;
  double limit;       // of measured / against; 0: none
  const char* words;  // the limit as a reader wants it
};

constexpr budget budgets[] = {
    {"lazy guard / thread-local ++/-- pair", "lazy_guard", "thread_local_pair", 0.4, "<= 0.4"},
    {"lazy guard / pairs that wait for nothing", "lazy_guard", "thread_local_pairs_apart", 0, ""},
    {"lazy guard / pthread_sigmask pair", "lazy_guard", "sigmask_pair", 1.0 / 600,
     "<= 1/600 = 0.0017"},
    {"work in a lazy guard / work alone", "work_in_lazy_guard", "work_alone", 1.05, "about 1"},
    {"lazy mutex / its lock + pair", "lazy_mutex", "lock_and_pair", 1.05, "<= 1.05"},
    {"lazy cell borrow_mut / pair", "lazy_cell", "thread_local_pair", 1.0, "<= 1"},
    {"eager guard / pthread_sigmask pair", "eager_guard", "sigmask_pair", 1.05, "<= 1.05"},
    {"eager guard, nested / pair", "eager_guard_nested", "thread_local_pair", 2.0, "<= 2"},
    {"signal through handler / sigaction", "sigsafe_handler", "bare_handler", 1.05, "<= 1.05"},
    {"the same, 1 handler elsewhere", "sigsafe_handler_1", "bare_handler", 1.05, "<= 1.05"},
    {"the same, 10 handlers elsewhere", "sigsafe_handler_10", "bare_handler", 1.05, "<= 1.05"},
    {"the same, 1,000 handlers elsewhere", "sigsafe_handler_1000", "bare_handler", 1.05, "<= 1.05"},
    {"signal in lazy guard / in a mask", "signal_in_lazy_guard", "signal_in_mask", 1.01, "<= 1.01"},
};

class table : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs)
      if (run.run_type == Run::RT_Iteration)
        times_[run.run_name.function_name].push_back(run.GetAdjustedCPUTime());
  }

  void Finalize() override {
    std::printf("%-28s %12s %10s %10s\n", "operation (ns)", "median", "quartile 1", "quartile 3");
    for (auto& [name, times] : times_) {
      std::sort(times.begin(), times.end());
      std::printf("%-28s %12.2f %10.2f %10.2f\n", name.c_str(), at(times, 0.5), at(times, 0.25),
                  at(times, 0.75));
    }
    std::printf("\n%-40s %10s  %-20s\n", "ratio of medians", "measured", "budget");
    for (const budget& row : budgets) {
      const auto measured = times_.find(row.measured), against = times_.find(row.against);
      if (measured == times_.end() || against == times_.end()) continue;
      const double ratio = at(measured->second, 0.5) / at(against->second, 0.5);
      std::printf("%-40s %10.4f  %-20s %s\n", row.what, ratio, row.words,
                  row.limit == 0       ? ""
                  : ratio <= row.limit ? "within"
                                       : "OVER");
    }
  }

 private:
  static double at(const std::vector<double>& sorted, double part) {
    return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
  }

  std::map<std::string, std::vector<double>> times_;
};

void register_all() {
  const std::pair<const char*, void (*)(benchmark::State&)> all[] = {
      {"thread_local_pair", thread_local_pair},
      {"thread_local_pairs_apart", thread_local_pairs_apart},
      {"sigmask_pair", sigmask_pair},
      {"getpid", getpid_call},
      {"futex_lock", lock_alone<futex_lock>},
      {"spinlock", lock_alone<spinlock>},
      {"std_mutex", lock_alone<std::mutex>},
      {"lock_and_pair", lock_and_pair},
      {"lazy_guard", lazy_guard},
      {"eager_guard", eager_guard},
      {"eager_guard_nested", eager_guard_nested},
      {"lazy_mutex", lazy_mutex},
      {"lazy_cell", lazy_cell},
      {"work_alone", work_alone},
      {"work_in_lazy_guard", work_in_lazy_guard},
      {"bare_handler", bare_handler},
      {"sigsafe_handler", sigsafe_handler},
      {"sigsafe_handler_1", sigsafe_handler_among<1>},
      {"sigsafe_handler_10", sigsafe_handler_among<10>},
      {"sigsafe_handler_1000", sigsafe_handler_among<1000>},
      {"signal_in_mask", signal_in_mask},
      {"signal_in_lazy_guard", signal_in_lazy_guard},
  };
  for (const auto& [name, function] : all) benchmark::RegisterBenchmark(name, function);
}

}  // namespace

int main(int argc, char** argv) {
  // Defaults first, so that the same options on the command line win.
  std::vector<std::string> options{argv[0], "--benchmark_repetitions=25",
                                   "--benchmark_min_time=0.01",
                                   "--benchmark_enable_random_interleaving=true"};
  options.insert(options.end(), argv + 1, argv + argc);
  std::vector<char*> pointers;
  for (std::string& option : options) pointers.push_back(option.data());
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  if (benchmark::ReportUnrecognizedArguments(count, pointers.data())) return 2;
  register_all();
  table out;
  benchmark::RunSpecifiedBenchmarks(&out);
}
