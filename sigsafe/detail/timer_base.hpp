// What the timers have in common: the kernel's timer, its handler, and how often it has gone off.
#pragma once

#include <sigsafe/config.hpp>

#include <time.h>

#include <cstdint>

#include <sigsafe/handler.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/raw_lock.hpp>
#include <sigsafe/signal_info.hpp>
#include <sigsafe/timer_options.hpp>

namespace sigsafe::detail {

class timer_base;

/// The timer as the kernel knows it, before there is a handler that could fail.
class SIGSAFE_API kernel_timer {
 public:
  kernel_timer(timer_base& owner, const timer_options& options);
  kernel_timer(const kernel_timer&) = delete;
  kernel_timer& operator=(const kernel_timer&) = delete;
  ~kernel_timer();

  /// A forked child has no timers: there a new one is made. Returns 0 or the error.
  int make_here() noexcept;
  [[nodiscard]] bool is_here() const noexcept;
  [[nodiscard]] timer_t native() const noexcept { return timer_; }
  [[nodiscard]] int clock() const noexcept { return clock_; }

 private:
  int make() noexcept;

  timer_base* owner_;
  timer_options wanted_;
  int clock_ = 0;
  timer_t timer_{};
  std::uint32_t made_in_ = 0;  // the generation of the process
};

class SIGSAFE_API timer_base {
 public:
  timer_base(const timer_base&) = delete;
  timer_base& operator=(const timer_base&) = delete;

 protected:
  using call_function = void (*)(timer_base&, std::uint64_t) noexcept;

  enum class kind { once, repeated };
  timer_base(kind of, call_function call, const timer_options& options, location where);
  ~timer_base() = default;

  /// From now on, with this interval; 0: once. Errors: std::system_error, where kernel_timer has to
  /// be made anew.
  void start_in(std::int64_t nanoseconds, std::int64_t interval);
  /// The same at a time of the clock.
  void start_at(std::int64_t first, std::int64_t interval);
  void stop_now() noexcept;
  [[nodiscard]] std::int64_t nanoseconds_left() const noexcept;
  [[nodiscard]] bool runs() const noexcept;
  [[nodiscard]] int clock() const noexcept { return kernel_.clock(); }

 private:
  struct on_signal {
    timer_base* timer;
    void operator()(const signal_info& info) const noexcept {
      if (info.from() == signal_info::origin::timer &&
          info.native().si_value.sival_ptr == static_cast<void*>(timer))
        timer->expire();
    }
  };
  friend kernel_timer;

  void expire() noexcept;
  std::uint64_t take_elapsed() noexcept;

  call_function call_;
  mutable futex_lock lock_;  // with signals held off: a handler takes it too
  bool running_ = false;
  std::int64_t first_ = 0;     // when it goes off, or went off first
  std::int64_t interval_ = 0;  // 0: once
  std::uint64_t told_ = 0;     // how many intervals the function knows of
  kernel_timer kernel_;
  handler<on_signal> handler_;
};

/// Errors:   std::system_error, always: an interval must be longer than nothing
[[noreturn]] SIGSAFE_API void refuse_interval();

}  // namespace sigsafe::detail
