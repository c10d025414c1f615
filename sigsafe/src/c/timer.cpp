// Timers.
#include <sigsafe/sigsafe.h>

#include <errno.h>
#include <time.h>

#include <cstdint>
#include <system_error>

#include <sigsafe/detail/timer_base.hpp>
#include <sigsafe/src/c/failure.hpp>
#include <sigsafe/src/c/object.hpp>
#include <sigsafe/thread_id.hpp>
#include <sigsafe/timer.hpp>
#include <sigsafe/timer_options.hpp>

namespace sigsafe::c {
namespace {

struct timer_call {
  sigsafe_timer_function* function;
  void* data;
  void operator()(std::uint64_t elapsed) const noexcept { function(elapsed, data); }
};

timer_options options_of(const sigsafe_timer_options& given) {
  timer_options wanted;
  switch (given.clock) {
    case SIGSAFE_MONOTONIC: wanted.clock = timer_clock::monotonic; break;
    case SIGSAFE_BOOTTIME: wanted.clock = timer_clock::boottime; break;
    case SIGSAFE_REALTIME: wanted.clock = timer_clock::realtime; break;
    case SIGSAFE_PROCESS_CPU: wanted.clock = timer_clock::process_cpu; break;
    case SIGSAFE_THREAD_CPU: wanted.clock = timer_clock::thread_cpu; break;
    default:
      throw std::system_error(EINVAL, std::generic_category(),
                              "sigsafe: a timer has no such clock; use one of enum "
                              "sigsafe_timer_clock");
  }
  wanted.restart = !given.interrupts;
  wanted.signal = given.signal;
  if (given.this_thread) wanted.thread = thread_id::current();
  return wanted;
}

/// Both kinds in one: which it is, a start says.
class timer : private detail::timer_function<timer_call>, public detail::timer_base {
 public:
  timer(const timer_options& options, sigsafe_timer_function* function, void* data)
      : detail::timer_function<timer_call>{{function, data}},
        detail::timer_base(kind_of(options), &forward, options, {nullptr, 0}) {}

  void start(std::int64_t first, std::int64_t interval) { start_in(first, interval); }
  void start_until(std::int64_t time, std::int64_t interval) { start_at(time, interval); }
  void stop() noexcept { stop_now(); }
  [[nodiscard]] std::int64_t remaining() const noexcept { return nanoseconds_left(); }
  [[nodiscard]] bool may_repeat() const noexcept { return clock() != CLOCK_REALTIME; }

 private:
  // What is set cannot be divided into intervals.
  static kind kind_of(const timer_options& options) noexcept {
    return options.clock == timer_clock::realtime ? kind::once : kind::repeated;
  }
  static void forward(detail::timer_base& base, std::uint64_t elapsed) noexcept {
    static_cast<timer&>(base).call(elapsed);
  }
};

int no_timer() noexcept {
  return fail(EINVAL, "sigsafe: this sigsafe_timer does not exist; create it first");
}

/// Starts a timer by one of its two functions.
int start(sigsafe_timer* memory, void (timer::*function)(std::int64_t, std::int64_t),
          std::int64_t first, std::int64_t interval) noexcept {
  auto* const made = existing<timer>(memory);
  if (made == nullptr) return no_timer();
  if (first < 0 || interval < 0)
    return fail(EINVAL, "sigsafe: a timer cannot be started with a negative time");
  if (interval != 0 && !made->may_repeat())
    return fail(EINVAL,
                "sigsafe: a timer of SIGSAFE_REALTIME has no interval, because that clock is set; "
                "start it again in its function");
  return error_of([&] { (made->*function)(first, interval); });
}

}  // namespace
}  // namespace sigsafe::c

int sigsafe_timer_create(sigsafe_timer* timer, const sigsafe_timer_options* options,
                         sigsafe_timer_function* function, void* data) noexcept {
  sigsafe::c::object<sigsafe::c::timer, sigsafe_timer> memory{timer};
  if (memory.exists())
    return sigsafe::c::fail(EBUSY, "sigsafe: this sigsafe_timer exists already; destroy it first");
  if (function == nullptr)
    return sigsafe::c::fail(EINVAL, "sigsafe: a timer needs a function, and this one is null");
  return sigsafe::c::error_of([&] {
    memory.make(sigsafe::c::options_of(options != nullptr ? *options : sigsafe_timer_options{}),
                function, data);
  });
}

int sigsafe_timer_start(sigsafe_timer* timer, int64_t first, int64_t interval) noexcept {
  return sigsafe::c::start(timer, &sigsafe::c::timer::start, first, interval);
}

int sigsafe_timer_start_until(sigsafe_timer* timer, int64_t time, int64_t interval) noexcept {
  return sigsafe::c::start(timer, &sigsafe::c::timer::start_until, time, interval);
}

int64_t sigsafe_timer_remaining(const sigsafe_timer* timer) noexcept {
  const auto* const made = sigsafe::c::existing<sigsafe::c::timer>(timer);
  return made != nullptr ? made->remaining() : 0;
}

int sigsafe_timer_signal() noexcept { return sigsafe::timer_signal(); }

int sigsafe_timer_stop(sigsafe_timer* timer) noexcept {
  auto* const made = sigsafe::c::existing<sigsafe::c::timer>(timer);
  if (made == nullptr) return sigsafe::c::no_timer();
  made->stop();
  return 0;
}

int sigsafe_timer_destroy(sigsafe_timer* timer) noexcept {
  sigsafe::c::object<sigsafe::c::timer, sigsafe_timer> memory{timer};
  if (!memory.exists()) return sigsafe::c::no_timer();
  memory.destroy();
  return 0;
}
