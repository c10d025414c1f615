#include <tests/benchmark/operations.hpp>

#include <benchmark/benchmark.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mutex>

#include <sigsafe/guard.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/raw_lock.hpp>
#include <sigsafe/ref_cell.hpp>
#include <sigsafe/signal_set.hpp>

#include <tests/benchmark/hold_counter.hpp>
#include <tests/benchmark/work.hpp>

namespace benchmarked {
namespace {

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
  const sigset_t set = sigsafe::signal_set::maskable().native();
  sigset_t old;
  for (auto _ : state) {
    pthread_sigmask(SIG_BLOCK, &set, &old);
    barrier();
    pthread_sigmask(SIG_SETMASK, &old, nullptr);
  }
}

void getpid_call(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(syscall(SYS_getpid));
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
  static sigsafe::futex_lock lock;
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

void postgres_hold(benchmark::State& state) {
  for (auto _ : state) {
    const hold_counter::hold held;
    barrier();
  }
}

// ---- guards, mutexes, cells -------------------------------------------------------------------

template <class Guard>
void guard_alone(benchmark::State& state) {
  for (auto _ : state) {
    const Guard off;
    barrier();
  }
}

void eager_guard_nested(benchmark::State& state) {
  const sigsafe::guard outer;
  for (auto _ : state) {
    const sigsafe::guard off;
    barrier();
  }
}

void lazy_cell(benchmark::State& state) {
  static constinit thread_local sigsafe::lazy::ref_cell<int> cell;
  for (auto _ : state) {
    const auto borrowed = cell.borrow_mut();
    barrier();
  }
}

void work_alone(benchmark::State& state) {
  unsigned long seed = first_seed;
  for (auto _ : state) benchmark::DoNotOptimize(seed = work(seed, 64));
}

template <class Hold>
void work_in(benchmark::State& state) {
  unsigned long seed = first_seed;
  for (auto _ : state) {
    const Hold held;
    benchmark::DoNotOptimize(seed = work(seed, 64));
  }
}

}  // namespace

void register_holds() {
  const auto add = benchmark::RegisterBenchmark<void (*)(benchmark::State&)>;
  add("thread_local_pair", thread_local_pair);
  add("thread_local_pairs_apart", thread_local_pairs_apart);
  add("sigmask_pair", sigmask_pair);
  add("getpid", getpid_call);
  add("futex_lock", lock_alone<sigsafe::futex_lock>);
  add("spinlock", lock_alone<sigsafe::spinlock>);
  add("std_mutex", lock_alone<std::mutex>);
  add("lock_and_pair", lock_and_pair);
  add("postgres_hold", postgres_hold);
  add("lazy_guard", guard_alone<sigsafe::lazy::guard>);
  add("eager_guard", guard_alone<sigsafe::guard>);
  add("eager_guard_nested", eager_guard_nested);
  add("lazy_mutex", lock_alone<sigsafe::lazy::raw_mutex<>>);
  add("eager_mutex", lock_alone<sigsafe::raw_mutex<>>);
  add("lazy_cell", lazy_cell);
  add("work_alone", work_alone);
  add("work_in_postgres_hold", work_in<hold_counter::hold>);
  add("work_in_lazy_guard", work_in<sigsafe::lazy::guard>);
}

}  // namespace benchmarked
