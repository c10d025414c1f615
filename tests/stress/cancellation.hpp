// Threads that are cancelled under a storm of signals.
#pragma once

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <system_error>
#include <thread>

#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/signal_set.hpp>

#include <tests/stress/alone.hpp>
#include <tests/stress/sleeps.hpp>

namespace stress {

/// Threads sleep in a guard, or hold something and block in read, and are cancelled. Meanwhile
/// numbered signals come to the process, and any of them may take one: each comes, also when its
/// thread unwinds, and that leaves nothing behind on the thread.
template <class Kit>
class cancellation : public lone_scenario {
 public:
  void run(stage& on) override {
    // What is cancelled takes the signals; this thread only what is left.
    set_blocked(sigsafe::signal_set::all());
    const sigsafe::handler handler{
        SIGRTMIN, [&](const sigsafe::signal_info& info) noexcept {
          ++on.counts.delivered;
          if (here.at == position::inside) on.torn();
          if (here.at == position::ending) ++on.counts.deferred;
          const auto number = static_cast<std::size_t>(info.value()->sival_int);
          on.counts.delays.add(now() - sent_at_[number % sent_at_.size()]);
          if (const auto locked = shared_.try_lock()) locked->change(on);
        }};
    std::atomic<bool> ends{false};
    std::thread storm{[&] { send(on, ends); }};
    here.random = on.of.seed * 2 + 1;
    for (std::uint64_t round = 0; !on.stopping(); ++round) cancel_all(on, round);
    ends = true;
    storm.join();
    set_blocked({});
    on.counts.lost = on.counts.sent - on.counts.delivered;
  }

 private:
  struct victim {
    cancellation* of;
    stage* on;
    std::uint64_t number;
    pthread_t thread;
  };

  static void set_blocked(sigsafe::signal_set signals) noexcept {
    const sigset_t mask = signals.native();
    pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  }

  // Goes on when all that live hold, but waits a moment for the handler: with a signal always
  // there, a thread would do nothing else.
  void send(stage& on, const std::atomic<bool>& ends) noexcept {
    constexpr std::uint64_t most_on_the_way = 16;
    constexpr std::uint64_t a_moment = 30'000;
    while (!ends) {
      const std::uint64_t start = now();
      const std::uint64_t number = on.counts.sent;
      sent_at_[number % sent_at_.size()] = start;
      ++on.counts.sent;
      if (sigqueue(getpid(), SIGRTMIN, {.sival_int = static_cast<int>(number % 0x10000)}) != 0)
        --on.counts.sent;
      const auto on_the_way = [&] { return on.counts.sent - on.counts.delivered; };
      while (on_the_way() != 0 && now() - start < a_moment) {}
      while (on_the_way() >= most_on_the_way && !ends) sched_yield();
    }
  }

  void cancel_all(stage& on, std::uint64_t round) {
    std::array<victim, most> victims;
    const unsigned threads = std::min(on.of.threads, most);
    for (unsigned i = 0; i < threads; ++i) {
      victims[i] = {this, &on, round * threads + i, {}};
      const int error = pthread_create(&victims[i].thread, nullptr, begin, &victims[i]);
      if (error != 0) throw std::system_error(error, std::generic_category(), "pthread_create");
    }
    for (unsigned i = 0; i < threads; ++i) {
      // So that it comes before, into and behind the beginning of what blocks.
      const std::uint64_t busy_until = now() + here.next_random() % 100'000;
      while (now() < busy_until) {}
      pthread_cancel(victims[i].thread);
    }
    for (unsigned i = 0; i < threads; ++i) {
      void* result = nullptr;
      if (pthread_join(victims[i].thread, &result) != 0 || result != PTHREAD_CANCELED)
        on.violation("a thread that was cancelled did not end by that");
      ++on.counts.operations;
    }
  }

  static void* begin(void* of) {
    const auto& self = *static_cast<victim*>(of);
    here.random = (self.on->of.seed + self.number) * 2 + 1;
    set_blocked({});
    self.of->block(*self.on, self.number / 4, self.number % 4);
    return nullptr;
  }

  /// Made before all holds: nothing of them is left when the thread has unwound.
  class at_rest {
   public:
    explicit at_rest(stage& on) noexcept : on_(on) {}
    at_rest(const at_rest&) = delete;
    at_rest& operator=(const at_rest&) = delete;
    ~at_rest() {
      if (!sigsafe::guard::backend_type::enabled() || !Kit::backend::enabled())
        on_.violation("a cancelled thread has unwound, and still holds");
      if (!(sigsafe::signal_set::blocked() & sigsafe::signal_set::all()).empty())
        on_.violation("a cancelled thread has unwound, and still blocks signals");
    }

   private:
    stage& on_;
  };

  /// Made behind the first hold, which still holds when the thread unwinds through here.
  class inside_while_unwinding {
   public:
    explicit inside_while_unwinding(section& of) noexcept : of_(of) {}
    inside_while_unwinding(const inside_while_unwinding&) = delete;
    inside_while_unwinding& operator=(const inside_while_unwinding&) = delete;
    ~inside_while_unwinding() {
      of_.begins();
      for (int i = 0; i < 4; ++i) sched_yield();  // the storm goes on
      of_.ends();
    }

   private:
    section& of_;
  };

  void block(stage& on, std::uint64_t number, std::uint64_t way) {
    const at_rest last{on};
    section held;
    if (way == 0) {
      typename Kit::guard off;
      const inside_while_unwinding unwinding{held};
      for (std::uint64_t round = number;; ++round) sleep_in(off, round, quiet_);
    } else if (way == 1) {
      const auto locked = shared_.lock();
      const inside_while_unwinding unwinding{held};
      held.begins();
      for (;;) {
        locked->change(on);
        read_for_ever();
      }
    } else if (way == 2) {
      const typename Kit::guard off;
      const inside_while_unwinding unwinding{held};
      held.begins();
      hold_more_and_block(number);
    } else {
      read_for_ever();
    }
  }

  void hold_more_and_block(std::uint64_t number) {
    if (number % 2 == 0) {
      const sigsafe::guard eager;
      const sigsafe::lazy::guard lazy;
      read_for_ever();
    } else {
      const sigsafe::lazy::guard lazy;
      const typename Kit::guard off;
      read_for_ever();
    }
  }

  /// Until it is cancelled; handlers, and signals that are deferred, interrupt it.
  void read_for_ever() const {
    char byte;
    while (read(quiet_.end(), &byte, 1) < 0) {}
  }

  static constexpr unsigned most = 64;
  const quiet_pipe quiet_;
  typename Kit::template mutex<words> shared_;
  std::array<count, 1024> sent_at_{};
};

}  // namespace stress
