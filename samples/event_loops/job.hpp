// What every loop has to do here.
#pragma once

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <optional>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/event.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/signal_info.hpp>

#include "numbers.hpp"
#include "processes.hpp"

namespace event_loops {

/// As a loop sees it.
class job {
 public:
  job() = default;
  job(const job&) = delete;
  job& operator=(const job&) = delete;

  /// Set by the handler.
  sigsafe::event arrived;

  /// A loop calls it when it is ready to wait for the event: from here on there are signals.
  virtual void begin() = 0;
  /// And this each time that the event was set, after it has reset it. False: that was all.
  virtual bool look() = 0;

 protected:
  ~job() = default;
};

enum class source {
  another_process,  ///< one signal after the other
  one_turn,         ///< all of them, before the loop turns for the first time
};

struct task {
  source from;
  int count;
  int window;  ///< how many may be on the way; the handler has room for them
  std::function<void()> half_way = [] {};
};

/// Numbers are taken, and must be 0, 1, 2, …
template <sigsafe::interrupt_backend B>
class numbers_job final : public job {
 public:
  using backend = B;

  explicit numbers_job(const task& wanted)
      : wanted_(wanted), waiting_(static_cast<std::size_t>(wanted.window)) {}
  ~numbers_job() = default;

  void begin() override {
    if (wanted_.from == source::another_process)
      sender_.emplace(wanted_.count, wanted_.window);
    else
      for (int number = 0; number < wanted_.count; ++number) send(getpid(), number);
  }

  bool look() override {
    ++wake_ups_;
    for (const int number : waiting_.take()) check(number);
    const int news = taken_ + lost_ - acknowledged_;
    if (sender_ && news != 0) sender_->acknowledge(news);
    acknowledged_ += news;
    return acknowledged_ < wanted_.count;
  }

  [[nodiscard]] int wake_ups() const { return wake_ups_; }
  [[nodiscard]] int lost() const { return lost_; }
  [[nodiscard]] int out_of_order() const { return out_of_order_; }
  bool sender_ended_well() { return !sender_ || sender_->wait(); }

 private:
  struct on_number {
    numbers_job& here;
    void operator()(const sigsafe::signal_info& info) const noexcept {
      const auto value = info.value();
      if (!value) return;  // of kill(1), and not of the sender
      if (!here.waiting_.put(value->sival_int)) ++here.lost_;
      here.arrived.set();
    }
  };

  void check(int number) {
    if (number != taken_) ++out_of_order_;
    if (++taken_ == wanted_.count / 2) wanted_.half_way();
  }

  task wanted_;
  numbers<B> waiting_;
  std::atomic<int> lost_ = 0;
  int taken_ = 0;
  int acknowledged_ = 0;
  int out_of_order_ = 0;
  int wake_ups_ = 0;
  sigsafe::handler<on_number> handler_{SIGRTMIN, {*this}, {.restart = true}};
  std::optional<sender> sender_;
};

}  // namespace event_loops
