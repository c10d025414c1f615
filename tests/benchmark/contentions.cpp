#include <tests/benchmark/contentions.hpp>

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sigsafe/guard.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/raw_lock.hpp>
#include <sigsafe/signal_set.hpp>

#include <tests/benchmark/results.hpp>
#include <tests/benchmark/work.hpp>

namespace benchmarked {
namespace {

using clock = std::chrono::steady_clock;

std::atomic<bool> over;

/// Has so many threads operate until the time is over; returns nanoseconds for each operation.
template <class Operate>
double measure(int threads, double seconds, Operate operate) {
  over = false;
  std::atomic<long> operations{0};
  std::barrier begin{threads + 1};
  std::vector<std::thread> all;
  for (int i = 0; i < threads; ++i)
    all.emplace_back([&] {
      begin.arrive_and_wait();
      unsigned long seed = first_seed;
      long own = 0;
      for (; !over.load(std::memory_order_relaxed); ++own) operate(seed);
      asm volatile("" : : "r"(seed));
      operations += own;
    });
  const auto start = clock::now();
  begin.arrive_and_wait();
  std::this_thread::sleep_for(std::chrono::duration<double>{seconds});
  over = true;
  for (std::thread& each : all) each.join();
  const std::chrono::duration<double, std::nano> spent = clock::now() - start;
  return spent.count() / static_cast<double>(operations.load());
}

// Each thread takes the lock for about ten nanoseconds, and does without it for about a hundred.
template <class Lock>
double shared(int threads, double seconds) {
  static Lock lock;
  static unsigned long protected_seed = first_seed;
  return measure(threads, seconds, [](unsigned long& seed) {
    lock.lock();
    protected_seed = work(protected_seed, 6);
    lock.unlock();
    seed = work(seed, 58);
  });
}

/// Not a lock: each thread has what it works on to itself.
template <class Guard>
double apart(int threads, double seconds) {
  return measure(threads, seconds, [](unsigned long& seed) {
    const Guard off;
    seed = work(seed, 64);
  });
}

/// What one writes by hand: the signal mask around a std::mutex.
class masked_mutex {
 public:
  void lock() {
    sigset_t before;
    pthread_sigmask(SIG_BLOCK, &set_, &before);
    mutex_.lock();
    before_ = before;
  }
  void unlock() {
    const sigset_t before = before_;
    mutex_.unlock();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

 private:
  std::mutex mutex_;
  sigset_t set_ = sigsafe::signal_set::maskable().native();
  sigset_t before_{};
};

struct contender {
  const char* name;
  double (*measure)(int threads, double seconds);
};
constexpr contender contenders[] = {
    {"lazy guard", apart<sigsafe::lazy::guard>},
    {"guard", apart<sigsafe::guard>},
    {"std::mutex", shared<std::mutex>},
    {"futex_lock", shared<sigsafe::futex_lock>},
    {"lazy raw_mutex", shared<sigsafe::lazy::raw_mutex<>>},
    {"raw_mutex", shared<sigsafe::raw_mutex<>>},
    {"mask, std::mutex", shared<masked_mutex>},
};
constexpr int numbers_of_threads[] = {1, 2, 4, 8, 16};

}  // namespace

std::vector<contention> measure_contentions(int rounds, double seconds) {
  std::vector<std::pair<const contender*, int>> all;
  for (const contender& each : contenders)
    for (const int threads : numbers_of_threads) all.emplace_back(&each, threads);
  auto shuffled = all;
  std::mt19937 random{std::random_device{}()};
  std::map<std::pair<const contender*, int>, std::vector<double>> times;
  for (int round = 0; round < rounds; ++round) {
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    for (const auto& each : shuffled)
      times[each].push_back(each.first->measure(each.second, seconds));
  }
  std::vector<contention> result;
  for (const auto& each : all)
    result.push_back({each.first->name, each.second, quantile(times[each], 0.5)});
  return result;
}

}  // namespace benchmarked
