// Where a scenario runs: in a child process, with worker threads and a source of signals. Here is
// the accounting that they share.
#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <sigsafe/signal_info.hpp>

#include <tests/stress/counters.hpp>
#include <tests/stress/result.hpp>

namespace stress {

[[nodiscard]] inline std::uint64_t now() noexcept {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(time.tv_nsec);
}

/// Waits for a child's end and returns its status, as of waitpid; not 0 when there is none.
[[nodiscard]] inline int end_of(pid_t child) noexcept {
  int status = 0;
  pid_t ended;
  while ((ended = waitpid(child, &status, 0)) < 0 && errno == EINTR) {}
  return ended == child ? status : -1;
}

/// In a child: it shall not outlive its parent.
inline void end_with(pid_t parent) noexcept {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
}

/// Where this thread is with regard to the holds of the scenario.
enum class position : unsigned char { outside, inside, ending };

/// Of the calling thread; a handler reads it.
struct worker_state {
  std::atomic<position> at{position::outside};
  unsigned index = 0;
  std::uint64_t last_number = 0;  ///< of an ordered source
  std::uint64_t random = 1;

  /// xorshift64: the same seed gives the same plan.
  std::uint64_t next_random() noexcept {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return random;
  }
};
inline constinit thread_local worker_state here;

/// How it is known whether a signal was lost.
enum class account : unsigned char {
  each,    ///< queued signals: each has a handler
  latest,  ///< standard signals: a handler began after the last was sent; of those before, nobody
           ///< can say which one it answered
  own,     ///< the source says what is owed and what has been answered
};

/// One signal of one source, and what became of those that were sent:
///
///   sent = delivered + coalesced + lost, where lost are those that are owed and not answered
class channel {
 public:
  void prepare(account by) noexcept { by_ = by; }
  [[nodiscard]] bool counts_each() const noexcept { return by_ == account::each; }

  /// Before the system call: the number of this signal. A refused one is taken back.
  std::uint64_t sending(std::uint64_t due) noexcept {
    const std::uint64_t number = sent_.fetch_add(1) + 1;
    if (by_ != account::own) owed_.fetch_add(1);
    if (counts_each()) {
      due_of(number) = due;
    } else {
      std::uint64_t none = 0;
      oldest_.compare_exchange_strong(none, due);
    }
    return number;
  }
  void refused(std::uint64_t number, std::uint64_t due) noexcept {
    if (counts_each())
      due_of(number) = 0;
    else
      oldest_.compare_exchange_strong(due, 0);
    sent_.fetch_sub(1);
    if (by_ != account::own) owed_.fetch_sub(1);
  }

  /// In the handler.
  void arrived() noexcept {
    const std::uint64_t sent = sent_.load();
    delivered_.fetch_add(1);
    if (counts_each()) answers();
    if (by_ != account::latest) return;
    std::uint64_t seen = answered_.load();
    while (sent > seen && !answered_.compare_exchange_weak(seen, sent)) {}
  }
  /// In the handler, once: when signal number `number` was sent; when not each is counted, the
  /// first after the handler before. 0 when nobody knows it.
  std::uint64_t take_due(std::uint64_t number) noexcept {
    return counts_each() ? due_of(number).exchange(0) : oldest_.exchange(0);
  }

  void owes() noexcept { owed_.fetch_add(1); }
  void answers(std::uint64_t number = 1) noexcept { answered_.fetch_add(number); }

  /// May no more be sent for now, because it would not be known when an earlier one was?
  [[nodiscard]] bool full() const noexcept {
    return counts_each() && (lost() > most_on_the_way || times_[(sent_ + 1) % times_.size()] != 0);
  }
  /// What is on the way while sources send; when they no longer do and nothing comes any more,
  /// lost.
  [[nodiscard]] std::uint64_t lost() const noexcept {
    const std::uint64_t answered = answered_, owed = owed_;
    return owed > answered ? owed - answered : 0;
  }
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
  [[nodiscard]] std::uint64_t spurious() const noexcept {
    const std::uint64_t sent = sent_, delivered = delivered_;
    return delivered > sent ? delivered - sent : 0;
  }
  [[nodiscard]] std::uint64_t coalesced() const noexcept {
    const std::uint64_t gone = delivered_ + lost();
    return !counts_each() && sent_ > gone ? sent_ - gone : 0;
  }

 private:
  static constexpr std::size_t most_on_the_way = 32;  // so that a queue stays short
  count& due_of(std::uint64_t number) noexcept { return times_[number % times_.size()]; }

  account by_ = account::latest;
  count sent_{0}, delivered_{0}, owed_{0}, answered_{0};
  count oldest_{0};                  // not each: since when one is pending, 0 when none is
  std::array<count, 1024> times_{};  // each: when it was sent, 0 when it has arrived
};

/// What a child shares with the program, and with the processes that it starts.
struct shared {
  static constexpr std::size_t most_channels = 8;
  counters counts;
  std::array<channel, most_channels> channels;
  std::atomic<bool> stop{false};           ///< the time is over
  std::atomic<bool> sending_stops{false};  ///< set by the child
  count ball{0};  ///< of two processes that wake each other: since when it flies
  std::atomic<bool> ball_is_out{false};
};

class source;

/// Of a stage at most; what is kept for each stands in arrays, because handlers use it.
constexpr std::size_t most_workers = 1024;

/// What the scenario, its workers and its sources have in common.
class stage {
 public:
  stage(const cell& what, shared& with) noexcept
      : of(what),
        counts(with.counts),
        ball(with.ball),
        ball_is_out(with.ball_is_out),
        shared_(with) {}

  [[nodiscard]] bool stopping() const noexcept {
    return shared_.stop.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool sending_stops() const noexcept {
    return shared_.sending_stops.load(std::memory_order_relaxed);
  }

  /// Something was seen that must not be; async-signal-safe, and the first text stays.
  void violation(std::string_view text) noexcept;
  void torn() noexcept { counts.torn.fetch_add(1, std::memory_order_relaxed); }

  /// In the middle of a change, where holds must hold off handlers: synchronous sources send here.
  /// Does nothing in a handler, which would never end.
  void inside() noexcept;

  const cell& of;
  counters& counts;
  count& ball;
  std::atomic<bool>& ball_is_out;

 private:
  friend class performance;
  shared& shared_;
  std::span<const std::unique_ptr<source>> sources_;
};

/// From the first hold to the last release. A handler that runs in between on this
/// thread is a violation; one that runs after ends was held off.
class section {
 public:
  section() noexcept = default;
  section(const section&) = delete;
  section& operator=(const section&) = delete;
  ~section() { mark(position::outside); }

  /// After the first hold has begun, and before the last release.
  void begins() noexcept { mark(position::inside); }
  void ends() noexcept { mark(position::ending); }

 private:
  static void mark(position at) noexcept {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    here.at.store(at, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
};

/// A worker's section that consists of one lock: calls use with the value and returns what it
/// returns.
template <class Mutex, class F>
decltype(auto) in_section(Mutex& mutex, F use) noexcept {
  section held;
  auto locked = mutex.lock();
  held.begins();
  struct ending {
    section& held;
    ~ending() { held.ends(); }
  } before_the_unlock{held};
  return use(*locked);
}

}  // namespace stress
