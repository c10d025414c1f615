// Job control: a program that holds when it is stopped and continued.
#pragma once

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <new>
#include <system_error>
#include <thread>

#include <sigsafe/handler.hpp>
#include <sigsafe/signal_set.hpp>

#include <tests/stress/alone.hpp>

namespace stress {

/// This process stops and continues another one. Behind each SIGCONT all of its threads go on. It
/// comes when the process has stopped, or while the thread that has taken the stop holds or runs
/// the handler, but not in the few instructions behind that: there the stop takes the SIGCONT back,
/// as in any program that raises it in its handler.
template <class Kit>
class stop_and_continue : public lone_scenario {
 public:
  void run(stage& on) override {
    void* const memory =
        mmap(nullptr, sizeof(of_both), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    both_ = new (memory) of_both;
    const pid_t parent = getpid();
    const pid_t program = fork();
    if (program < 0) return on.violation("fork failed");
    if (program == 0) play(on, parent);
    here.random = on.of.seed * 2 + 1;
    await_all_workers();
    while (!on.stopping()) {
      const std::uint64_t way = here.next_random() % 3;
      if (way == 0) continue_stopped(on, program);
      if (way == 1) continue_holding(on, program);
      if (way == 2) continue_in_handler(on, program);
      await_all_workers();
    }
    both_->ends = true;
    if (end_of(program) != 0) on.violation("the program that was stopped did not end well");
  }

 private:
  static constexpr unsigned threads = 2;
  struct of_both {
    count continued{0};
    std::array<count, threads> rounds{};
    std::atomic<unsigned> staying{0};  // of the threads
    count turns{0};                    // of the one that holds and stays
    std::atomic<bool> holder_stays{false}, other_stays{false};
    std::atomic<bool> handler_is_inside{false}, handler_shall_stay{false};
    std::atomic<bool> ends{false};
  };

  static void send(stage& on, pid_t program, int signal) noexcept {
    ++on.counts.sent;
    if (signal == SIGCONT) on.ball = now();
    kill(program, signal);
  }
  // So that the threads that are to get a signal have a processor.
  static void pause_a_moment() noexcept {
    const timespec moment{0, static_cast<long>(here.next_random() % 100'000)};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, nullptr);
  }

  void continue_stopped(stage& on, pid_t program) const noexcept {
    send(on, program, SIGTSTP);
    int status = 0;
    while (waitpid(program, &status, WUNTRACED) < 0 && errno == EINTR) {}
    if (!WIFSTOPPED(status)) return on.violation("the program has ended instead of stopping");
    continue_and_wait(on, program);
  }

  // One thread holds, the other blocks all signals: the stop is for the first one. Then the SIGCONT
  // waits until that goes on, or the other one takes it before.
  void continue_holding(stage& on, pid_t program) const noexcept {
    both_->holder_stays = both_->other_stays = true;
    while (both_->staying != threads) sched_yield();
    send(on, program, SIGTSTP);
    pause_a_moment();
    // It may have been on its way to the handler until now.
    const std::uint64_t turns = both_->turns;
    while (both_->turns < turns + 2) sched_yield();
    const std::uint64_t continued = both_->continued;
    send(on, program, SIGCONT);
    pause_a_moment();
    if (here.next_random() % 2 == 0) {
      both_->other_stays = false;
      while (both_->staying == threads) sched_yield();
    }
    both_->holder_stays = false;
    while (both_->continued == continued) sched_yield();
    both_->other_stays = false;
    while (both_->staying != 0) sched_yield();
  }

  void continue_in_handler(stage& on, pid_t program) const noexcept {
    both_->handler_shall_stay = true;
    send(on, program, SIGTSTP);
    while (!both_->handler_is_inside) sched_yield();
    continue_and_wait(on, program);
    both_->handler_shall_stay = false;
    while (both_->handler_is_inside) sched_yield();
  }

  void continue_and_wait(stage& on, pid_t program) const noexcept {
    const std::uint64_t continued = both_->continued;
    send(on, program, SIGCONT);
    while (both_->continued == continued) sched_yield();
  }

  void await_all_workers() const noexcept {
    for (const count& each : both_->rounds) {
      const std::uint64_t before = each;
      while (each == before) sched_yield();
    }
  }

  /// The other process.
  [[noreturn]] void play(stage& on, pid_t parent) {
    end_with(parent);
    // A group of its own, whose parent is in another one: an orphaned group is not stopped.
    setpgid(0, 0);
    ::signal(SIGTSTP, SIG_DFL);
    ::signal(SIGCONT, SIG_DFL);
    const auto handled = [this, &on]() noexcept {
      ++on.counts.delivered;
      if (here.at == position::inside) on.torn();
      if (here.at == position::ending) ++on.counts.deferred;
      shared_.lock()->change(on);
    };
    const sigsafe::handler stops{SIGTSTP,
                                 [&]() noexcept {
                                   handled();
                                   both_->handler_is_inside = true;
                                   while (both_->handler_shall_stay) {}
                                   both_->handler_is_inside = false;
                                 },
                                 {.chain = true}};
    const sigsafe::handler continues{SIGCONT, [&]() noexcept {
                                       const std::uint64_t due = on.ball.exchange(0);
                                       if (due != 0) on.counts.delays.add(now() - due);
                                       handled();
                                       ++both_->continued;
                                     }};
    std::thread other{[&] { work(on, 1); }};
    work(on, 0);
    other.join();
    _exit(0);
  }

  void work(stage& on, unsigned index) {
    here.random = (on.of.seed + index) * 2 + 1;
    while (!both_->ends) {
      section held;
      {
        const typename Kit::guard off;
        held.begins();
        shared_.lock()->change(on);
        const std::uint64_t end = now() + here.next_random() % 20'000;
        while (now() < end) {}
        if (index == 0) stay_inside();
        held.ends();
      }
      if (index != 0) stay_blocked();
      ++both_->rounds[index];
      ++on.counts.operations;
    }
  }

  void stay_inside() const noexcept {
    if (!both_->holder_stays) return;
    ++both_->staying;
    while (both_->holder_stays) ++both_->turns;
    --both_->staying;
  }
  void stay_blocked() const noexcept {
    if (!both_->other_stays) return;
    const sigset_t all = sigsafe::signal_set::maskable().native();
    sigset_t before;
    pthread_sigmask(SIG_BLOCK, &all, &before);
    ++both_->staying;
    while (both_->other_stays) {}
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    --both_->staying;
  }

  typename Kit::template mutex<words> shared_;
  of_both* both_ = nullptr;
};

}  // namespace stress
